//! The SQL store: rows, row locks, transactions, and COMMITs in doubt.
//!
//! A transaction decides under its locks and gathers its writes; they take effect together when
//! its COMMIT lands, and its locks end then. A COMMIT that is not answered lands or is rolled
//! back at some later time, whatever has become of who sent it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use campaign::{CampaignState, Places, Tally};
use rendezvous::Fate;

use super::scheduler::{Millis, ProcessId};
use super::settings::{IN_DOUBT, LOCK_WAIT, STORE_TIMEOUT, Settings};
use super::world::{Fault, Wire, World};

pub(super) type IntentNo = u64;

/// The tables, as far as one campaign needs them.
#[derive(Debug)]
pub(super) struct Sql {
    /// When the last transaction landed.
    now: Millis,
    /// The campaign's states, and from when on.
    history: Vec<(Millis, CampaignState)>,
    pub(super) is_reconciled: bool,
    pub(super) stock: u32,
    pub(super) reserved: u32,
    pub(super) reservations: BTreeMap<u32, Reservation>,
    pub(super) chunk_grants: BTreeMap<u32, ChunkGrants>,
    /// Users with a grant.
    pub(super) grants: BTreeSet<usize>,
    pub(super) intents: BTreeMap<IntentNo, Intent>,
    pub(super) inconsistencies: BTreeMap<IntentNo, Inconsistency>,
    pub(super) tallies: BTreeMap<u32, ChunkTally>,
    pub(super) low_water: u32,
    pub(super) opted_out: BTreeSet<usize>,
    pub(super) erased: BTreeSet<usize>,
    locks: BTreeMap<Row, u64>,
}

/// A chunk's counts at one version of its entity.
#[derive(Clone, Debug, Default)]
pub(super) struct ChunkTally {
    pub(super) version: u64,
    pub(super) tally: Tally,
    pub(super) is_closed: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Reservation {
    pub(super) amount: u32,
    pub(super) returned: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkGrants {
    pub(super) reserved: u32,
    pub(super) used: u32,
    pub(super) is_closed: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Intent {
    pub(super) chunk: u32,
    pub(super) granted: Places,
    pub(super) is_open: bool,
    pub(super) due_at: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inconsistency {
    Open,
    Repaired,
}

/// A row that transactions wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    Campaign,
    Coupon,
    ChunkGrants(u32),
    Intent(IntentNo),
    Tally(u32),
}

impl Sql {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            now: 0,
            history: vec![(0, CampaignState::Running)],
            is_reconciled: false,
            stock: settings.stock.unwrap_or(0),
            reserved: 0,
            reservations: BTreeMap::new(),
            chunk_grants: BTreeMap::new(),
            grants: BTreeSet::new(),
            intents: BTreeMap::new(),
            inconsistencies: BTreeMap::new(),
            tallies: BTreeMap::new(),
            low_water: 0,
            opted_out: BTreeSet::new(),
            erased: BTreeSet::new(),
            locks: BTreeMap::new(),
        }
    }

    pub(super) fn state(&self) -> CampaignState {
        self.state_at(Millis::MAX)
    }

    pub(super) fn state_at(&self, at: Millis) -> CampaignState {
        let before = self.history.iter().rev().find(|(from, _)| *from <= at);
        before.map_or(CampaignState::Running, |(_, state)| *state)
    }

    /// When the campaign came to its state.
    pub(super) fn since(&self) -> Millis {
        self.history.last().map_or(0, |(from, _)| *from)
    }

    pub(super) fn set_state(&mut self, state: CampaignState) {
        self.history.push((self.now, state));
    }

    /// The sum of all chunks' counts.
    pub(super) fn total(&self) -> Tally {
        self.tallies.values().map(|counted| &counted.tally).sum()
    }

    pub(super) fn open_intents(&self) -> u64 {
        self.intents.values().filter(|intent| intent.is_open).count() as u64
    }

    /// Closes an intent, and its inconsistency if there is one.
    pub(super) fn close(&mut self, intent: IntentNo) {
        if let Some(intent) = self.intents.get_mut(&intent) {
            intent.is_open = false;
        }
        if let Some(inconsistency) = self.inconsistencies.get_mut(&intent) {
            *inconsistency = Inconsistency::Repaired;
        }
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.is_reconciled && self.locks.is_empty() && self.open_intents() == 0
    }

    pub(super) fn locks(&self) -> usize {
        self.locks.len()
    }
}

/// Reads outside any transaction.
pub(super) async fn read<T>(
    world: &World,
    process: ProcessId,
    of: impl FnOnce(&Sql) -> T,
) -> Result<T, Fault> {
    request(world, process).await?;
    let read = of(&world.sql.borrow());
    Ok(read)
}

/// A statement on its way, answered or not; one that only reads has no other effect.
async fn request(world: &World, process: ProcessId) -> Result<(), Fault> {
    world.point(process).await;
    let scheduler = &world.scheduler;
    match world.wire() {
        Wire::Fine => {
            scheduler.sleep(scheduler.draw(1..=4)).await;
            Ok(())
        }
        Wire::LostRequest | Wire::LostReply | Wire::Late => {
            scheduler.sleep(scheduler.draw(1..=STORE_TIMEOUT)).await;
            Err(Fault::Unreachable)
        }
    }
}

/// What takes effect when a transaction lands.
type Write = Box<dyn FnOnce(&mut Sql)>;

/// An open transaction. Dropped without an end, it is rolled back by the server, at once or when
/// it notices that nobody is there.
pub(super) struct Tx {
    world: Rc<World>,
    process: ProcessId,
    id: u64,
    writes: Vec<Write>,
    is_over: bool,
}

impl Tx {
    pub(super) async fn begin(world: &Rc<World>, process: ProcessId) -> Result<Self, Fault> {
        request(world, process).await?;
        Ok(Self {
            world: world.clone(),
            process,
            id: world.new_id(),
            writes: Vec::new(),
            is_over: false,
        })
    }

    /// Locks a row until the transaction ends; [`Fault::Busy`] if somebody holds it for too long.
    pub(super) async fn lock(&mut self, row: Row) -> Result<(), Fault> {
        let since = self.world.now();
        loop {
            let holder = *self.world.sql.borrow_mut().locks.entry(row).or_insert(self.id);
            if holder == self.id {
                return Ok(());
            }
            if self.world.now() >= since + LOCK_WAIT {
                return Err(Fault::Busy);
            }
            self.world.scheduler.sleep(250).await;
        }
    }

    /// What the transaction sees: what is committed.
    pub(super) fn see<T>(&self, of: impl FnOnce(&Sql) -> T) -> T {
        of(&self.world.sql.borrow())
    }

    pub(super) fn write(&mut self, write: impl FnOnce(&mut Sql) + 'static) {
        self.writes.push(Box::new(write));
    }

    /// Sends COMMIT.
    pub(super) async fn commit(mut self) -> Fate {
        let world = self.world.clone();
        let scheduler = &world.scheduler;
        world.point(self.process).await;
        self.is_over = true;
        let (id, writes) = (self.id, std::mem::take(&mut self.writes));
        let land = move |world: &Rc<World>| {
            let mut sql = world.sql.borrow_mut();
            sql.now = world.now();
            for write in writes {
                write(&mut sql);
            }
            sql.locks.retain(|_, holder| *holder != id);
        };
        let wire = world.wire();
        match wire {
            Wire::Fine => {
                let on_the_way = scheduler.draw(1..=4);
                scheduler.later(on_the_way, land);
                scheduler.sleep(on_the_way + scheduler.draw(1..=4)).await;
                world.point(self.process).await;
                return Fate::Committed;
            }
            Wire::LostReply => scheduler.later(scheduler.draw(1..=4), land),
            Wire::Late => scheduler.later(scheduler.draw(5..=IN_DOUBT), land),
            Wire::LostRequest => release_later(&world, id),
        }
        world.note(self.process, "has no answer to a COMMIT of SQL", id);
        scheduler.sleep(scheduler.draw(5..=STORE_TIMEOUT)).await;
        Fate::Unknown
    }

    /// Commits what may be done again.
    pub(super) async fn commit_repeatable(self) -> Result<(), Fault> {
        match self.commit().await {
            Fate::Committed => Ok(()),
            Fate::NotCommitted | Fate::Unknown => Err(Fault::Unreachable),
        }
    }

    /// Ends it without a change.
    pub(super) fn roll_back(mut self) {
        self.is_over = true;
        let id = self.id;
        self.world
            .sql
            .borrow_mut()
            .locks
            .retain(|_, holder| *holder != id);
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if !self.is_over {
            release_later(&self.world, self.id);
        }
    }
}

fn release_later(world: &World, id: u64) {
    let scheduler = &world.scheduler;
    let after = if scheduler.chance(800) {
        1
    } else {
        scheduler.draw(1..=IN_DOUBT)
    };
    scheduler.later(after, move |world: &Rc<World>| {
        world.sql.borrow_mut().locks.retain(|_, holder| *holder != id);
    });
}
