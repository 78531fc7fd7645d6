//! Fan-out, after `jobs/src/fan_out`: one insertion a chunk, and a mark that lags; one stripe for all.
//!
//! A chunk that was expanded before is counted as it is found.

use std::rc::Rc;

use campaign::{CampaignState, ChunkRecord, Reason, SendTime, Standing};

use super::datastore::{self, Chunk, Push};
use super::passes::Outcome;
use super::plan;
use super::scheduler::ProcessId;
use super::sql::{self, ChunkTally, Tx};
use super::totals;
use super::world::{Fault, World};
use crate::seeded::Bug;

/// The version of a chunk that was just expanded.
const FIRST_VERSION: u64 = 1;

pub(super) async fn pass(world: &Rc<World>, process: ProcessId) -> Result<Outcome, Fault> {
    let count = plan::chunk_count(world);
    if world.sql.borrow().low_water == count {
        return Ok(Outcome::Idle);
    }
    let (state, low_water) = sql::read(world, process, |sql| (sql.state(), sql.low_water)).await?;
    if state != CampaignState::Running || low_water == count {
        return Ok(Outcome::Idle);
    }
    let found = |datastore: &datastore::Datastore| {
        let window = low_water..count;
        window
            .filter(|no| datastore.find(*no).is_none())
            .collect::<Vec<_>>()
    };
    let missing = datastore::read(world, process, found).await?;
    let mut expanded = Vec::new();
    let mut outcome = Ok(());
    for no in &missing {
        match expand(world, process, *no).await {
            Ok(tally) => expanded.push((*no, tally)),
            Err(fault) => outcome = Err(fault),
        }
    }
    let first_left = missing
        .iter()
        .find(|no| !expanded.iter().any(|(done, ..)| done == *no));
    let low_water = first_left.copied().unwrap_or(count);
    let mut tx = Tx::begin(world, process).await?;
    for (no, counted) in expanded {
        totals::replace(&mut tx, world, no, counted).await?;
    }
    tx.write(move |sql| sql.low_water = sql.low_water.max(low_water));
    tx.commit_repeatable().await?;
    outcome.map(|()| Outcome::Worked)
}

/// Expands one chunk, or finds it expanded. A commit in doubt is decided by reading the marker,
/// whose own counts are what counts then: who is erased may have changed since it was made.
async fn expand(world: &Rc<World>, process: ProcessId, no: u32) -> Result<ChunkTally, Fault> {
    let erased = sql::read(world, process, |sql| sql.erased.clone()).await?;
    let chunk = new_chunk(world, no, |user| erased.contains(&user));
    let counted = totals::count(&chunk, chunk.tally.clone());
    match datastore::insert(world, process, chunk).await {
        Ok(()) => Ok(counted),
        Err(Fault::Conflict) if world.has(Bug::ExpansionCountedUnread) => Ok(counted),
        Err(fault) => {
            let count = |chunk: &Chunk| totals::count(chunk, chunk.tally.clone());
            let marker = datastore::read(world, process, |datastore| datastore.find(no).map(count));
            marker.await?.ok_or(fault)
        }
    }
}

fn new_chunk(world: &World, no: u32, is_erased: impl Fn(usize) -> bool) -> Chunk {
    let send_time = plan::send_time(world, no);
    let unsettled = match send_time {
        SendTime::At(_) => Standing::Pending,
        SendTime::LocalTimePast => Standing::Settled(Reason::LocalTimePast),
    };
    let pushes = plan::users(world, no).map(|user| Push {
        user,
        is_erased: is_erased(user),
        standing: if is_erased(user) {
            Standing::Settled(Reason::Erased)
        } else {
            unsettled
        },
    });
    let pushes = pushes.collect::<Vec<_>>();
    let at = match send_time {
        SendTime::At(at) => at,
        SendTime::LocalTimePast => super::world::instant(0),
    };
    Chunk {
        no,
        record: match send_time {
            SendTime::At(at) => ChunkRecord::new(at),
            SendTime::LocalTimePast => ChunkRecord::closed(at),
        },
        timer: plan::timer(world, no),
        send_time: at,
        expires_at: plan::schedule(world).expires_at(at),
        attempts: 0,
        tally: pushes.iter().map(|push| push.standing).collect(),
        version: FIRST_VERSION,
        pushes,
    }
}
