//! A transaction on one chunk: open, change, commit; after `push_store::Open`.
//!
//! An optimistic store tells of a conflict at the commit, a pessimistic one lets who comes
//! second wait. A commit that is not answered lands later, if nothing was in its way, or never.

use std::cell::Cell;
use std::rc::Rc;

use rendezvous::Fate;

use super::datastore::{Chunk, request};
use super::scheduler::ProcessId;
use super::settings::{Concurrency, IN_DOUBT, LOCK_WAIT, STORE_TIMEOUT};
use super::world::{Fault, Wire, World};

const TRIES_IN_CONFLICT: u32 = 5;
const TRIES_IN_SILENCE: u32 = 2;

/// A chunk read in a transaction that is still open.
pub(super) struct Open {
    world: Rc<World>,
    process: ProcessId,
    id: u64,
    revision: u64,
    read: Chunk,
    /// With the changes made so far.
    pub(super) chunk: Chunk,
    is_over: bool,
}

impl Open {
    /// Begins and reads; `None` if there is no such chunk.
    pub(super) async fn begin(world: &Rc<World>, process: ProcessId, no: u32) -> Result<Option<Self>, Fault> {
        request(world, process).await?;
        let id = world.new_id();
        let since = world.now();
        loop {
            if let Some(group) = world.datastore.borrow_mut().groups.get_mut(&no) {
                let pessimistic = world.settings.store == Concurrency::Pessimistic;
                if !pessimistic || group.holder.is_none() {
                    group.holder = pessimistic.then_some(id);
                    return Ok(Some(Self {
                        world: world.clone(),
                        process,
                        id,
                        revision: group.revision,
                        read: group.chunk.clone(),
                        chunk: group.chunk.clone(),
                        is_over: false,
                    }));
                }
            } else {
                return Ok(None);
            }
            if world.now() >= since + LOCK_WAIT {
                return Err(Fault::Conflict);
            }
            world.scheduler.sleep(100).await;
        }
    }

    /// Commits what was changed; nothing changed is committed without asking.
    pub(super) async fn commit(mut self) -> Fate {
        let world = self.world.clone();
        let scheduler = &world.scheduler;
        let ended = self.chunk.record.state.is_closed() != self.read.record.state.is_closed();
        if self.chunk.tally != self.read.tally || ended {
            self.chunk.version += 1;
        }
        if self.chunk == self.read {
            self.roll_back();
            return Fate::Committed;
        }
        world.point(self.process).await;
        self.is_over = true;
        let landed = Rc::new(Cell::new(false));
        let land = land(self.id, self.revision, self.chunk.clone(), landed.clone());
        let (wire, process, no) = (world.wire(), self.process, self.chunk.no);
        if wire != Wire::LostRequest {
            world.datastore.borrow_mut().in_doubt += 1;
        }
        match wire {
            Wire::Fine => {
                let on_the_way = scheduler.draw(1..=6);
                scheduler.later(on_the_way, land);
                scheduler.sleep(on_the_way + scheduler.draw(1..=4)).await;
                world.point(process).await;
                return if landed.get() {
                    Fate::Committed
                } else {
                    Fate::NotCommitted
                };
            }
            Wire::LostReply => scheduler.later(scheduler.draw(1..=6), land),
            Wire::Late => scheduler.later(scheduler.draw(6..=IN_DOUBT), land),
            Wire::LostRequest => release_later(&world, self.id, no),
        }
        world.note(
            process,
            "has no answer to a Commit of Datastore, chunk",
            u64::from(no),
        );
        scheduler.sleep(scheduler.draw(6..=STORE_TIMEOUT)).await;
        Fate::Unknown
    }

    /// Ends it without a change.
    pub(super) fn roll_back(mut self) {
        self.is_over = true;
        release(&self.world, self.id, self.chunk.no);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.is_over {
            release_later(&self.world, self.id, self.chunk.no);
        }
    }
}

fn land(id: u64, revision: u64, chunk: Chunk, landed: Rc<Cell<bool>>) -> impl FnOnce(&Rc<World>) {
    move |world| {
        let mut datastore = world.datastore.borrow_mut();
        datastore.in_doubt -= 1;
        let Some(group) = datastore.groups.get_mut(&chunk.no) else {
            return;
        };
        if group.holder == Some(id) {
            group.holder = None;
        }
        if group.revision != revision {
            return;
        }
        for (before, after) in group.chunk.pushes.iter().zip(&chunk.pushes) {
            if before.standing.state().is_final() && after.standing != before.standing {
                world.found(|| format!("the final state of user {} changed", before.user));
            }
        }
        group.chunk = chunk;
        group.revision += 1;
        landed.set(true);
    }
}

fn release(world: &World, id: u64, no: u32) {
    if let Some(group) = world.datastore.borrow_mut().groups.get_mut(&no)
        && group.holder == Some(id)
    {
        group.holder = None;
    }
}

/// A transaction that nobody ends ends by itself.
fn release_later(world: &World, id: u64, no: u32) {
    let after = world.scheduler.draw(1..=IN_DOUBT);
    world
        .scheduler
        .later(after, move |world: &Rc<World>| release(world, id, no));
}

/// Opens the chunk, lets `decide` change it, and commits; again where another transaction was in
/// the way, and once more where the outcome is not known. As `push_store::PushStore::change`.
pub(super) async fn change<T>(
    world: &Rc<World>,
    process: ProcessId,
    no: u32,
    decide: impl Fn(&mut Chunk) -> T,
) -> Result<Option<T>, Fault> {
    let mut tries = 0;
    loop {
        let fault = match try_change(world, process, no, &decide).await {
            Ok(changed) => return Ok(changed),
            Err(fault) => fault,
        };
        tries += 1;
        let limit = match fault {
            Fault::Conflict => TRIES_IN_CONFLICT,
            Fault::Unreachable => TRIES_IN_SILENCE,
            Fault::Busy | Fault::NoStock => 1,
        };
        if tries >= limit {
            return Err(fault);
        }
    }
}

async fn try_change<T>(
    world: &Rc<World>,
    process: ProcessId,
    no: u32,
    decide: impl Fn(&mut Chunk) -> T,
) -> Result<Option<T>, Fault> {
    let Some(mut open) = Open::begin(world, process, no).await? else {
        return Ok(None);
    };
    let decision = decide(&mut open.chunk);
    match open.commit().await {
        Fate::Committed => Ok(Some(decision)),
        Fate::NotCommitted => Err(Fault::Conflict),
        Fate::Unknown => Err(Fault::Unreachable),
    }
}
