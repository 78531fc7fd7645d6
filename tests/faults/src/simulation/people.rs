//! What people do: pause, resume, cancel, opt out, and have themselves erased.
//!
//! People try again until it is done. A pause or a cancel is answered when no permit of before
//! is left; from then on nothing may be handed over.

use std::rc::Rc;

use campaign::{CampaignState, Reason, Standing, Transition};

use super::ledger::tell_stopped;
use super::plan;
use super::scheduler::Millis;
use super::settings::{CANCEL_WAIT, Deed};
use super::sql::{Row, Sql, Tx};
use super::transaction;
use super::world::{Fault, PEOPLE, UnderWay, World};
use crate::seeded::Bug;

/// Pushes are erased again after this long, for those that were expanded from what was read
/// before.
const ERASE_AGAIN_AFTER: Millis = 300_000;

/// Does everything that is to be done, each at its time.
pub(super) fn begin(world: &Rc<World>) {
    for (at, deed) in &world.settings.people {
        let (at, deed) = (*at, *deed);
        let under_way = UnderWay::new(world);
        let doing = world.clone();
        world.scheduler.spawn(PEOPLE, async move {
            doing.scheduler.sleep(at).await;
            act(&doing, deed).await;
            drop(under_way);
        });
    }
}

async fn act(world: &Rc<World>, deed: Deed) {
    match deed {
        Deed::PauseFor(time) => {
            stop(world, Transition::Pause).await;
            world.scheduler.sleep(time).await;
            let resume = async || transition(world, Transition::Resume).await;
            let _: bool = again(world, resume).await;
        }
        Deed::Cancel => stop(world, Transition::Cancel).await,
        Deed::OptOut(user) => {
            let opt_out = move |sql: &mut Sql| {
                sql.opted_out.insert(user);
            };
            again(world, async || write(world, opt_out).await).await;
        }
        Deed::Erase(user) => erase(world, user).await,
    }
}

async fn stop(world: &Rc<World>, transition_to: Transition) {
    world.note(PEOPLE, "want it to stop", 0);
    let stopped = again(world, async || transition(world, transition_to).await).await;
    if !world.has(Bug::CancelWithoutWait) {
        world.scheduler.sleep(CANCEL_WAIT).await;
    }
    let is_stopped = world.sql.borrow().state() != CampaignState::Running;
    if stopped && is_stopped {
        tell_stopped(world);
        world.note(PEOPLE, "are told that it has stopped", 0);
    }
}

/// Moves the campaign. Says whether it is where the transition leads, now or before.
async fn transition(world: &Rc<World>, transition: Transition) -> Result<bool, Fault> {
    let mut tx = Tx::begin(world, PEOPLE).await?;
    tx.lock(Row::Campaign).await?;
    let state = tx.see(Sql::state);
    let Ok(next) = state.after(transition) else {
        tx.roll_back();
        return Ok(CampaignState::Running.after(transition) == Ok(state));
    };
    tx.write(move |sql| sql.set_state(next));
    tx.commit_repeatable().await?;
    Ok(true)
}

async fn erase(world: &Rc<World>, user: usize) {
    let mark = move |sql: &mut Sql| {
        sql.erased.insert(user);
    };
    again(world, async || write(world, mark).await).await;
    for wait in [1_000, ERASE_AGAIN_AFTER] {
        world.scheduler.sleep(wait).await;
        again(world, async || erase_push(world, user).await).await;
    }
}

async fn erase_push(world: &Rc<World>, user: usize) -> Result<(), Fault> {
    // What SQL shows of a campaign is as it was at its end, also when somebody is erased later.
    if world.sql.borrow().is_reconciled {
        return Ok(());
    }
    let chunks = 0..plan::chunk_count(world);
    for no in chunks.filter(|no| plan::users(world, *no).any(|other| other == user)) {
        let erased = transaction::change(world, PEOPLE, no, |chunk| {
            if let Some(place) = chunk.place_of(user) {
                chunk.raise(place, Standing::Settled(Reason::Erased), world);
                chunk.pushes[usize::from(place)].is_erased = true;
            }
        });
        erased.await?;
    }
    Ok(())
}

async fn write(world: &Rc<World>, write: impl FnOnce(&mut Sql) + 'static) -> Result<(), Fault> {
    let mut tx = Tx::begin(world, PEOPLE).await?;
    tx.write(write);
    tx.commit_repeatable().await
}

/// Until it is done.
async fn again<T>(world: &World, deed: impl AsyncFn() -> Result<T, Fault>) -> T {
    loop {
        match deed().await {
            Ok(done) => return done,
            Err(_) => world.scheduler.sleep(1_000).await,
        }
    }
}
