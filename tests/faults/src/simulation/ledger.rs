//! What was handed to the gateway, and what a user sees of it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use campaign::Standing;

use super::scheduler::Millis;
use super::world::World;

/// The gateway's append-only book, by user.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: BTreeMap<usize, Entries>,
    attempts: BTreeMap<u64, UnderWay>,
    /// Pushes that had been accepted and were not settled when something went wrong.
    pub(super) exposed: u64,
    /// The moment from which the campaign is as a person was told that it has stopped: while it
    /// is still so, nothing may be handed over.
    stopped_since: Option<Millis>,
}

#[derive(Debug, Default)]
struct Entries {
    accepted: u64,
    collapse_ids: BTreeSet<u64>,
}

impl Ledger {
    /// Messages that a gateway accepted for one push, beyond the first.
    pub(super) fn raw_doubles(&self) -> u64 {
        let accepted = self.entries.values().map(|entries| entries.accepted);
        accepted.map(|accepted| accepted.saturating_sub(1)).sum()
    }

    /// Messages that a user sees twice, because nothing collapses them.
    pub(super) fn visible_doubles(&self) -> u64 {
        let ids = self
            .entries
            .values()
            .map(|entries| entries.collapse_ids.len() as u64);
        ids.map(|ids| ids.saturating_sub(1)).sum()
    }
}

/// A person is told that nothing is handed over any more, as the campaign is now.
pub(super) fn tell_stopped(world: &World) {
    world.ledger.borrow_mut().stopped_since = Some(world.sql.borrow().since());
}

/// Writes down that a push is handed over now, and looks whether it may be.
pub(super) fn hand_over(world: &World, user: usize, collapse_id: u64, not_before: Millis, is_accepted: bool) {
    let mut ledger = world.ledger.borrow_mut();
    let now = world.now();
    if ledger.stopped_since == Some(world.sql.borrow().since()) {
        world.found(|| format!("user {user} was handed over after a pause or cancel was answered"));
    }
    if now + super::settings::SKEW < not_before {
        world.found(|| format!("user {user} was handed over before its time"));
    }
    if world.settings.stock.is_some() && !world.sql.borrow().grants.contains(&user) {
        world.found(|| format!("user {user} was handed over without a grant"));
    }
    if is_accepted {
        let entries = ledger.entries.entry(user).or_default();
        entries.accepted += 1;
        entries.collapse_ids.insert(collapse_id);
    }
}

/// What an attempt has handed over. Whenever something goes wrong with it, what is accepted and
/// not settled then may come again; each push counts once.
pub(super) struct Exposure {
    world: Rc<World>,
    attempt: u64,
}

/// An attempt that is not over: its chunk, and whom it has handed over.
#[derive(Debug)]
struct UnderWay {
    chunk: u32,
    handed: BTreeSet<usize>,
}

impl Exposure {
    /// Of an attempt that begins. If the lease of another has run out under it, that is what has
    /// gone wrong with the other.
    pub(super) fn new(world: &Rc<World>, chunk: u32) -> Self {
        let attempt = world.new_id();
        let others = world
            .ledger
            .borrow()
            .attempts
            .iter()
            .map(|(id, other)| (*id, other.chunk))
            .collect::<Vec<_>>();
        for (other, _) in others.iter().filter(|(_, of)| *of == chunk) {
            expose(world, *other);
        }
        let handed = BTreeSet::new();
        world
            .ledger
            .borrow_mut()
            .attempts
            .insert(attempt, UnderWay { chunk, handed });
        let world = world.clone();
        Self { world, attempt }
    }

    pub(super) fn add(&mut self, user: usize) {
        if let Some(attempt) = self.world.ledger.borrow_mut().attempts.get_mut(&self.attempt) {
            attempt.handed.insert(user);
        }
    }

    /// The gateway did not say what became of this one.
    pub(super) fn lose(&mut self, user: usize) {
        let mut ledger = self.world.ledger.borrow_mut();
        let attempt = ledger.attempts.get_mut(&self.attempt);
        if attempt.is_some_and(|attempt| attempt.handed.remove(&user)) {
            ledger.exposed += 1;
        }
    }

    /// Something went wrong now.
    pub(super) fn expose(&mut self) {
        expose(&self.world, self.attempt);
    }
}

impl Drop for Exposure {
    fn drop(&mut self) {
        self.expose();
        self.world.ledger.borrow_mut().attempts.remove(&self.attempt);
    }
}

fn expose(world: &World, attempt: u64) {
    let mut ledger = world.ledger.borrow_mut();
    let datastore = world.datastore.borrow();
    let Some(UnderWay { chunk, handed }) = ledger.attempts.get_mut(&attempt) else {
        return;
    };
    let is_settled = |user: &usize| {
        let mut pushes = datastore.find(*chunk).into_iter().flat_map(|chunk| &chunk.pushes);
        pushes.any(|push| push.user == *user && matches!(push.standing, Standing::Settled(_)))
    };
    let handed_before = handed.len();
    handed.retain(is_settled);
    let exposed = handed_before - handed.len();
    ledger.exposed += exposed as u64;
}
