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
    chunk: u32,
    handed: BTreeSet<usize>,
}

impl Exposure {
    pub(super) fn new(world: &Rc<World>, chunk: u32) -> Self {
        Self {
            world: world.clone(),
            chunk,
            handed: BTreeSet::new(),
        }
    }

    pub(super) fn add(&mut self, user: usize) {
        self.handed.insert(user);
    }

    /// The gateway did not say what became of this one.
    pub(super) fn lose(&mut self, user: usize) {
        if self.handed.remove(&user) {
            self.world.ledger.borrow_mut().exposed += 1;
        }
    }

    /// Something went wrong now.
    pub(super) fn expose(&mut self) {
        let datastore = self.world.datastore.borrow();
        let Some(chunk) = datastore.find(self.chunk) else {
            return;
        };
        let is_settled = |user: usize| {
            let push = chunk.pushes.iter().find(|push| push.user == user);
            push.is_some_and(|push| matches!(push.standing, Standing::Settled(_)))
        };
        let mut ledger = self.world.ledger.borrow_mut();
        let exposed = self
            .handed
            .iter()
            .copied()
            .filter(|user| !is_settled(*user))
            .collect::<Vec<_>>();
        ledger.exposed += exposed.len() as u64;
        self.handed.retain(|user| !exposed.contains(user));
    }
}

impl Drop for Exposure {
    fn drop(&mut self) {
        self.expose();
    }
}
