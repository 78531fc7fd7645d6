//! Datastore: chunks with their pushes, each chunk one entity group.
//!
//! An optimistic store tells of a conflict at the commit, a pessimistic one lets who comes
//! second wait. A commit that is not answered lands later, if nothing was in its way, or never.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use campaign::{CampaignState, ChunkRecord, ChunkState, Raised, Standing, Tally, TimerKey};
use chrono::{DateTime, Utc};
use rendezvous::Fate;

use super::scheduler::ProcessId;
use super::settings::{Concurrency, IN_DOUBT, LOCK_WAIT, STORE_TIMEOUT};
use super::world::{Fault, Wire, World};
use crate::seeded::Bug;

const TRIES_IN_CONFLICT: u32 = 5;
const TRIES_IN_SILENCE: u32 = 2;

/// What Datastore holds.
#[derive(Debug, Default)]
pub(super) struct Datastore {
    groups: BTreeMap<u32, Group>,
    in_doubt: u32,
}

#[derive(Debug)]
struct Group {
    chunk: Chunk,
    revision: u64,
    /// The transaction that holds it in a pessimistic store.
    holder: Option<u64>,
}

/// A chunk and its pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) no: u32,
    pub(super) record: ChunkRecord,
    pub(super) timer: TimerKey,
    /// Nothing of it is sent before; kept to look whether that is so.
    pub(super) send_time: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) attempts: u32,
    pub(super) tally: Tally,
    pub(super) version: u64,
    /// By place.
    pub(super) pushes: Vec<Push>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Push {
    /// Among all users of the campaign.
    pub(super) user: usize,
    pub(super) is_erased: bool,
    pub(super) standing: Standing,
}

impl Datastore {
    pub(super) fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.groups.values().map(|group| &group.chunk)
    }

    pub(super) fn find(&self, no: u32) -> Option<&Chunk> {
        self.groups.get(&no).map(|group| &group.chunk)
    }

    pub(super) fn is_in_doubt(&self) -> bool {
        self.in_doubt > 0
    }
}

impl Chunk {
    pub(super) fn raise(&mut self, place: u16, to: Standing, world: &World) -> Raised {
        let push = &mut self.pushes[usize::from(place)];
        let before = push.standing;
        let raised = push.standing.raise(to);
        if world.has(Bug::StatesFall) && to.state().is_final() {
            push.standing = to;
        }
        self.tally.move_one(before, push.standing);
        raised
    }

    pub(super) fn is_settled(&self) -> bool {
        self.tally.pending == 0 && self.tally.granted == 0
    }

    /// The counts as they read in a campaign of that state.
    pub(super) fn tally_as_read(&self, campaign: CampaignState) -> Tally {
        match self.record.state {
            ChunkState::Cancelled => self.tally.read_in(campaign, self.pushes.len() as u64),
            ChunkState::Waiting | ChunkState::Queued | ChunkState::Leased | ChunkState::Done => {
                self.tally.clone()
            }
        }
    }

    pub(super) fn place_of(&self, user: usize) -> Option<u16> {
        let place = self.pushes.iter().position(|push| push.user == user)?;
        u16::try_from(place).ok()
    }
}

/// Reads outside any transaction.
pub(super) async fn read<T>(
    world: &World,
    process: ProcessId,
    of: impl FnOnce(&Datastore) -> T,
) -> Result<T, Fault> {
    request(world, process).await?;
    let read = of(&world.datastore.borrow());
    Ok(read)
}

async fn request(world: &World, process: ProcessId) -> Result<(), Fault> {
    world.point(process).await;
    let scheduler = &world.scheduler;
    match world.wire() {
        Wire::Fine => {
            scheduler.sleep(scheduler.draw(1..=6)).await;
            Ok(())
        }
        Wire::LostRequest | Wire::LostReply | Wire::Late => {
            scheduler.sleep(scheduler.draw(1..=STORE_TIMEOUT)).await;
            Err(Fault::Unreachable)
        }
    }
}

/// Inserts a chunk; [`Fault::Conflict`] stands for ALREADY_EXISTS, which is no fault.
pub(super) async fn insert(world: &World, process: ProcessId, chunk: Chunk) -> Result<(), Fault> {
    world.point(process).await;
    let scheduler = &world.scheduler;
    let no = chunk.no;
    if world.datastore.borrow().groups.contains_key(&no) {
        return Err(Fault::Conflict);
    }
    let land = move |world: &Rc<World>| {
        let mut datastore = world.datastore.borrow_mut();
        datastore.in_doubt -= 1;
        datastore.groups.entry(no).or_insert(Group {
            chunk,
            revision: 0,
            holder: None,
        });
    };
    let wire = world.wire();
    if wire != Wire::LostRequest {
        world.datastore.borrow_mut().in_doubt += 1;
    }
    match wire {
        Wire::Fine => {
            let on_the_way = scheduler.draw(1..=8);
            scheduler.later(on_the_way, land);
            scheduler.sleep(on_the_way + 1).await;
            return Ok(());
        }
        Wire::LostReply => scheduler.later(scheduler.draw(1..=8), land),
        Wire::Late => scheduler.later(scheduler.draw(8..=IN_DOUBT), land),
        Wire::LostRequest => {}
    }
    scheduler.sleep(scheduler.draw(8..=STORE_TIMEOUT)).await;
    Err(Fault::Unreachable)
}

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
