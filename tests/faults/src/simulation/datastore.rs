//! Datastore: chunks with their pushes, each chunk one entity group.
//!
//! What is read here is read outside transactions, and always the latest. An insertion that is
//! not answered lands later, or never.

use std::collections::BTreeMap;
use std::rc::Rc;

use campaign::{CampaignState, ChunkRecord, ChunkState, Raised, Standing, Tally, TimerKey};
use chrono::{DateTime, Utc};

use super::scheduler::ProcessId;
use super::settings::{IN_DOUBT, STORE_TIMEOUT};
use super::world::{Fault, Wire, World};
use crate::seeded::Bug;

/// What Datastore holds.
#[derive(Debug, Default)]
pub(super) struct Datastore {
    pub(super) groups: BTreeMap<u32, Group>,
    /// Commits that may still land.
    pub(super) in_doubt: u32,
}

/// A chunk with what its transactions need.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) chunk: Chunk,
    pub(super) revision: u64,
    /// The transaction that holds it in a pessimistic store.
    pub(super) holder: Option<u64>,
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

/// A request on its way, answered or not; one that only reads has no other effect.
pub(super) async fn request(world: &World, process: ProcessId) -> Result<(), Fault> {
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
