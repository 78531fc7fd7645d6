//! Dispatch, after `jobs/src/dispatch.rs`.
//!
//! A chunk that is due again in spite of its hand-over needs no room in the queue. It has the
//! room already, and its task is lost or late.

use std::rc::Rc;
use std::time::Duration;

use campaign::{CampaignState, ChunkState, HandOverTerms, Queued};
use chrono::{DateTime, TimeDelta, Utc};

use super::datastore::{self, Chunk, Datastore};
use super::passes::Outcome;
use super::plan;
use super::queue::{self, Task};
use super::scheduler::{Millis, ProcessId};
use super::settings::{LOOK_AHEAD, PICK_UP, PICK_UP_MAX};
use super::sql;
use super::transaction;
use super::world::{Fault, World, millis};
use crate::seeded::Bug;

/// Tries to create a task.
const TRIES: u32 = 3;

pub(super) async fn pass(world: &Rc<World>, process: ProcessId) -> Result<Outcome, Fault> {
    if sql::read(world, process, sql::Sql::state).await? != CampaignState::Running {
        return Ok(Outcome::Idle);
    }
    let now = world.clock(process);
    let due = datastore::read(world, process, |datastore| list_due(world, datastore, now)).await?;
    let mut worked = false;
    for no in due {
        worked |= hand_over(world, process, no).await?;
    }
    Ok(Outcome::of(worked))
}

/// The chunks that may be handed over now, the earliest due first.
fn list_due(world: &World, datastore: &Datastore, now: DateTime<Utc>) -> Vec<u32> {
    let keys = plan::timer_keys(world);
    let until = now + TimeDelta::milliseconds(i64::try_from(LOOK_AHEAD).unwrap_or(i64::MAX));
    let in_queue = |chunk: &&Chunk| chunk.record.state == ChunkState::Queued;
    let mut room = world
        .settings
        .in_queue
        .saturating_sub(datastore.chunks().filter(in_queue).count());
    let mut due = datastore
        .chunks()
        .filter(|chunk| keys.contains(&chunk.timer))
        .filter(|chunk| chunk.record.due_at.is_some_and(|at| at <= until))
        .collect::<Vec<_>>();
    due.sort_by_key(|chunk| chunk.record.due_at);
    let may_go = |chunk: &&Chunk| {
        let has_room = in_queue(chunk) && chunk.record.due_at.is_some_and(|at| at <= now);
        if has_room && !world.has(Bug::LostTasksFillTheQueue) {
            return true;
        }
        let is_free = room > 0;
        room = room.saturating_sub(1);
        is_free
    };
    due.into_iter().filter(may_go).map(|chunk| chunk.no).collect()
}

/// Marks one chunk and creates its task. Says whether it did; another may have been faster.
async fn hand_over(world: &Rc<World>, process: ProcessId, no: u32) -> Result<bool, Fault> {
    let now = world.clock(process);
    let queued = transaction::change(world, process, no, |chunk| {
        let queued = chunk.record.queue(now, terms());
        if world.has(Bug::TimerCleared) {
            chunk.record.due_at = None;
        }
        queued
    });
    let (generation, run_at) = match queued.await? {
        Some(Queued::Queued { generation, run_at }) => (generation, run_at),
        Some(Queued::NotDue | Queued::Closed) | None => return Ok(false),
    };
    let task = Task {
        chunk: no,
        generation,
    };
    let after = millis(run_at).saturating_sub(world.now());
    let mut tries = 1;
    while let Err(fault) = queue::create(world, process, task, after).await {
        if tries == TRIES {
            return Err(fault);
        }
        tries += 1;
    }
    Ok(true)
}

fn terms() -> HandOverTerms {
    let time = |millis: Millis| Duration::from_millis(millis);
    HandOverTerms {
        look_ahead: time(LOOK_AHEAD),
        pick_up: time(PICK_UP),
        pick_up_max: time(PICK_UP_MAX),
    }
}
