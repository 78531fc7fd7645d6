//! What commits do.
//!
//! A commit is one pass of checks over every entity it touches, then one pass of writes, so
//! nothing is ever half done. Only one commits at a time; what can be done before, outside of
//! that, is done before.

use std::collections::HashMap;
use std::sync::Arc;

use super::catalog::{Catalog, Table};
use super::engine::{Change, Record, Writing};
use super::error::Error;
use super::history::{Image, Replaced};
use super::indexing::{self, Entry};
use super::key::Key;
use super::mutation::{Decision, Write};
use super::transactions::reads::Reads;
use super::versions::{Snapshot, State, Versions};

/// A set of writes that are applied together or not at all.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) writes: Vec<Write>,
    /// What must not have changed, and the snapshot under which that can be told.
    pub(crate) reads: Option<(Reads, Option<Arc<Snapshot>>)>,
    /// The instant of the commit in microseconds.
    pub(crate) now: i64,
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Committed {
    pub(crate) version: i64,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) entries_changed: usize,
}

/// What became of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The version of the entity now, or of its absence.
    pub(crate) version: i64,
    /// When the entity was created; `None`: there is none.
    pub(crate) created: Option<i64>,
    /// Whether the write was dropped because of its condition.
    pub(crate) conflict: bool,
}

/// A batch that has passed every check, and what it does.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) changes: Vec<Change>,
    pub(crate) replaced: Vec<Replaced>,
    pub(crate) committed: Committed,
}

impl Ready {
    /// Checks a batch against the present. Nothing is written.
    pub(crate) fn new(
        catalog: &Catalog,
        versions: &Versions,
        writing: &mut impl Writing,
        batch: Batch,
    ) -> Result<Self, Error> {
        let Batch { writes, reads, now } = batch;
        if let Some((reads, _snapshot)) = &reads
            && reads.is_stale(catalog, &versions.lock().history)?
        {
            return Err(Error::Contention);
        }
        let version = versions.lock().assign(now);
        let mut draft = Draft {
            version,
            ..Draft::default()
        };
        for write in writes {
            draft.add(catalog, writing, write)?;
        }
        draft.finish(catalog)
    }
}

/// A batch while its writes are decided one after the other; each sees those before it.
#[derive(Debug, Default)]
struct Draft {
    version: i64,
    slots: Vec<Slot>,
    by_key: HashMap<Key, usize>,
    outcomes: Vec<Outcome>,
}

#[derive(Debug)]
struct Slot {
    table: Arc<Table>,
    key: Key,
    before: Image,
    after: Image,
    entries: Vec<Entry>,
}

impl Draft {
    fn add(&mut self, catalog: &Catalog, writing: &mut impl Writing, write: Write) -> Result<(), Error> {
        let place = match self.by_key.get(&write.key) {
            Some(place) => *place,
            None => {
                let before = writing.find(&write.key)?;
                let slot = Slot {
                    table: write.table.clone(),
                    key: write.key.clone(),
                    after: before.clone(),
                    before,
                    entries: Vec::new(),
                };
                self.slots.push(slot);
                self.by_key.insert(write.key.clone(), self.slots.len() - 1);
                self.slots.len() - 1
            }
        };
        let slot = &mut self.slots[place];
        let decision = write.decide(catalog, slot.after.as_ref())?;
        let conflict = matches!(decision, Decision::Conflict);
        match decision {
            Decision::Stay | Decision::Conflict => {}
            Decision::Delete => slot.after = None,
            Decision::Put(content) => {
                let created = slot.after.as_ref().map_or(self.version, |record| record.created);
                let properties = content.properties;
                slot.after = Some(Record {
                    created,
                    version: self.version,
                    properties,
                });
                slot.entries = content.entries;
            }
        }
        let now = slot.after.as_ref();
        self.outcomes.push(Outcome {
            version: now.map_or(self.version, |record| record.version),
            created: now.map(|record| record.created),
            conflict,
        });
        Ok(())
    }

    fn finish(self, catalog: &Catalog) -> Result<Ready, Error> {
        let mut changes = Vec::with_capacity(self.slots.len());
        let mut replaced = Vec::with_capacity(self.slots.len());
        let mut entries_changed = 0;
        for slot in self.slots {
            if slot.before == slot.after {
                continue;
            }
            let old = match &slot.before {
                Some(record) => indexing::entries(
                    catalog,
                    &slot.table,
                    &record.indexable_properties(),
                    &slot.key.path,
                )?,
                None => Vec::new(),
            };
            let new = if slot.after.is_some() {
                slot.entries
            } else {
                Vec::new()
            };
            let (entries_removed, entries_added) = differences(old, new);
            entries_changed += entries_removed.len() + entries_added.len();
            changes.push(Change {
                key: slot.key.clone(),
                after: slot.after.clone(),
                replaces: slot.before.is_some(),
                entries_removed,
                entries_added,
            });
            replaced.push(Replaced {
                key: slot.key,
                before: slot.before,
                after: slot.after,
            });
        }
        let committed = Committed {
            version: self.version,
            outcomes: self.outcomes,
            entries_changed,
        };
        Ok(Ready {
            changes,
            replaced,
            committed,
        })
    }
}

/// What is only in the first and only in the second of two sorted lists.
fn differences(old: Vec<Entry>, new: Vec<Entry>) -> (Vec<Entry>, Vec<Entry>) {
    if old.is_empty() || new.is_empty() {
        return (old, new);
    }
    let (removed, kept): (Vec<_>, Vec<_>) = old
        .into_iter()
        .partition(|entry| new.binary_search(entry).is_err());
    let added = new
        .into_iter()
        .filter(|entry| kept.binary_search(entry).is_err())
        .collect();
    (removed, added)
}

impl Ready {
    /// Leaves in the history what readers of older versions need.
    pub(crate) fn leave_images(&mut self, state: &mut State) {
        state
            .history
            .push(self.committed.version, std::mem::take(&mut self.replaced));
    }

    /// Lets readers see the batch from now on: for an engine that is closed to them until it has
    /// applied it.
    pub(crate) fn publish(&mut self, state: &mut State) {
        if state.is_held() {
            self.leave_images(state);
        }
        state.publish(self.committed.version);
    }
}
