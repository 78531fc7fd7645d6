//! A transaction on one chunk: open, change, commit.
//!
//! Opening reads the chunk and the named pushes; changes are made to what was read, by the
//! campaign's rules, and kept here; the commit writes what has changed. A push that rises moves
//! its chunk's counts with it, so the two are never apart.

use std::collections::{BTreeSet, HashMap};

use campaign::{ChunkId, ChunkRecord, PushId, Raised, Standing};
use chrono::{DateTime, Utc};

use crate::chunk::Chunk;
use crate::client::{PushStore, TransactionId};
use crate::commit::{Changes, Within};
use crate::error::Error;
use crate::push::Push;

/// How often a change is tried while other transactions are in its way.
const TRIES_IN_CONFLICT: u32 = 5;

/// How often it is tried where Datastore does not answer: once more, because the chunk tells
/// then what became of the first.
const TRIES_IN_SILENCE: u32 = 2;

/// How a commit ended.
#[derive(Debug)]
#[must_use]
pub enum Commit {
    /// Datastore acknowledged it.
    Committed,
    /// Another transaction was in the way: nothing of it holds.
    NotCommitted(Error),
    /// Anything else: it may hold. Only ABORTED tells that a commit did not happen.
    Unknown(Error),
}

/// A chunk and some of its pushes, read in a transaction that is still open.
///
/// Dropped without an end, the transaction ends by itself in Datastore; until then it may hold
/// others up, so call [`Open::roll_back`] where that is possible.
#[derive(Debug)]
pub struct Open {
    store: PushStore,
    transaction: TransactionId,
    read: Chunk,
    chunk: Chunk,
    pushes: HashMap<PushId, Push>,
    changed: BTreeSet<PushId>,
}

impl PushStore {
    /// Begins a transaction and reads the chunk and `pushes` of it, at most 999. `None` if there
    /// is no such chunk; a push that is not there is left out.
    pub async fn open(&self, chunk: ChunkId, pushes: &[PushId]) -> Result<Option<Open>, Error> {
        let transaction = self.begin().await?;
        match self.read(chunk, pushes, &transaction).await {
            Ok(Some((chunk, pushes))) => Ok(Some(Open {
                store: self.clone(),
                transaction,
                read: chunk.clone(),
                chunk,
                pushes,
                changed: BTreeSet::new(),
            })),
            nothing_to_change => {
                self.roll_back(transaction).await;
                nothing_to_change.map(|_| None)
            }
        }
    }

    async fn read(
        &self,
        chunk: ChunkId,
        pushes: &[PushId],
        transaction: &TransactionId,
    ) -> Result<Option<(Chunk, HashMap<PushId, Push>)>, Error> {
        let pushes = pushes.iter().map(|push| self.push_key(chunk, *push));
        let keys = std::iter::once(self.chunk_key(chunk)).chain(pushes).collect();
        let mut found_chunk = None;
        let mut found_pushes = HashMap::new();
        for entity in self.lookup(keys, Some(transaction)).await? {
            if entity.key.as_ref().is_some_and(|key| key.path.len() == 1) {
                found_chunk = Some(Chunk::from_entity(entity)?);
            } else {
                let push = Push::from_entity(entity)?;
                found_pushes.insert(push.id, push);
            }
        }
        Ok(found_chunk.map(|chunk| (chunk, found_pushes)))
    }

    /// Opens the chunk, lets `decide` change it, and commits; again from the start where another
    /// transaction was in the way or the outcome is not known.
    ///
    /// So `decide` may meet its own work, and must be right then too. `None` if there is no
    /// such chunk.
    pub(crate) async fn change<T>(
        &self,
        chunk: ChunkId,
        pushes: &[PushId],
        mut decide: impl FnMut(&mut Open) -> T,
    ) -> Result<Option<T>, Error> {
        let mut tries = 0;
        loop {
            let error = match self.try_change(chunk, pushes, &mut decide).await {
                Ok(changed) => return Ok(changed),
                Err(error) => error,
            };
            tries += 1;
            let limit = match error {
                Error::Conflict(_) => TRIES_IN_CONFLICT,
                Error::Unreachable(_) | Error::Throttled(_) => TRIES_IN_SILENCE,
                Error::Refused(_) | Error::Malformed { .. } | Error::TooLarge { .. } | Error::Client(_) => 1,
            };
            if tries >= limit {
                return Err(error);
            }
        }
    }

    async fn try_change<T>(
        &self,
        chunk: ChunkId,
        pushes: &[PushId],
        decide: impl FnOnce(&mut Open) -> T,
    ) -> Result<Option<T>, Error> {
        let Some(mut open) = self.open(chunk, pushes).await? else {
            return Ok(None);
        };
        let decision = decide(&mut open);
        match open.commit().await {
            Commit::Committed => Ok(Some(decision)),
            Commit::NotCommitted(error) | Commit::Unknown(error) => Err(error),
        }
    }
}

impl Open {
    /// The chunk as a commit would leave it: with the changes made so far, and their version.
    pub fn chunk(&self) -> Chunk {
        let mut chunk = self.chunk.clone();
        let ended = chunk.record.state.is_closed() != self.read.record.state.is_closed();
        if chunk.tally != self.read.tally || ended {
            chunk.version += 1;
        }
        chunk
    }

    /// The chunk's state, generation, timer and lease, to decide on.
    pub(crate) fn record_mut(&mut self) -> &mut ChunkRecord {
        &mut self.chunk.record
    }

    /// Counts one more attempt that left something to be tried again.
    pub(crate) fn count_attempt(&mut self) {
        self.chunk.attempts = self.chunk.attempts.saturating_add(1);
    }

    /// Raises a push and moves the chunk's counts with it. One that is as far or further, or
    /// was not found, stays.
    pub fn raise(&mut self, push: PushId, to: Standing, now: DateTime<Utc>) -> Raised {
        let Some(found) = self.pushes.get_mut(&push) else {
            return Raised::Stays;
        };
        let from = found.standing;
        let mut raised = found.standing.raise(to);
        if fault_points::bug!(StatesFall) && from != to {
            (found.standing, raised) = (to, Raised::Raised);
        }
        if raised == Raised::Raised {
            self.chunk.tally.move_one(from, to);
            found.settled_at = to.state().is_final().then_some(now);
            self.changed.insert(push);
        }
        raised
    }

    /// Takes user, locale, variables and message off a push; its state is raised apart from that.
    pub(crate) fn erase(&mut self, push: PushId) {
        if let Some(found) = self.pushes.get_mut(&push) {
            found.user = None;
            found.locale = None;
            found.variables.clear();
            found.message = None;
            self.changed.insert(push);
        }
    }

    /// Commits what was changed; nothing changed ends the transaction and is `Committed`.
    pub async fn commit(mut self) -> Commit {
        self.chunk = self.chunk();
        if self.chunk == self.read && self.changed.is_empty() {
            self.roll_back().await;
            return Commit::Committed;
        }
        let changes = self.changes();
        let within = Within::Transaction(self.transaction);
        match self.store.commit(within, changes).await {
            Ok(()) => Commit::Committed,
            Err(error @ Error::Conflict(_)) => Commit::NotCommitted(error),
            Err(error) => Commit::Unknown(error),
        }
    }

    /// Ends the transaction without a change.
    pub async fn roll_back(self) {
        self.store.roll_back(self.transaction).await;
    }

    fn changes(&self) -> Changes {
        let partition = &self.store.partition;
        let mut changes = Changes::default();
        changes.update(|entity| self.chunk.write(partition, entity));
        for push in self.changed.iter().filter_map(|id| self.pushes.get(id)) {
            changes.update(|entity| push.write(partition, entity));
        }
        changes
    }
}
