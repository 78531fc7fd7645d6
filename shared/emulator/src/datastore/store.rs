//! The database: what reads see, and what commits do.
//!
//! Reads are at a version. They look at the engine's present first and then at the history; a
//! commit leaves its images in the history before the engine shows what it did. So whatever a
//! read has met too early, the history takes back.
//!
//! A commit is one pass of checks over every entity it touches, then one pass of writes. Only
//! one commits at a time; what can be done before, outside of that, is done before.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

use super::catalog::{Catalog, Table};
use super::engine::{Change, Engine, Record, Sense, Source, Span, Writing};
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

/// What all methods share: the names, the present and the past.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) catalog: Catalog,
    pub(crate) versions: Versions,
    pub(crate) engine: Engine,
}

/// Some of what a span holds, in order.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Arc<[u8]>>,
    /// What is left of the span; `None`: nothing.
    pub(crate) rest: Option<Span>,
}

impl Store {
    /// The entities at the keys as of the snapshot, in the keys' order.
    pub(crate) fn find_all(&self, keys: &[Key], snapshot: &Snapshot) -> Result<Vec<Option<Record>>, Error> {
        let mut found = self.engine.find_all(keys)?;
        let state = self.versions.lock();
        if !state.history.is_empty() {
            for (key, record) in keys.iter().zip(&mut found) {
                if let Some(image) = state.history.find_image(key, snapshot.version()) {
                    record.clone_from(image);
                }
            }
        }
        Ok(found)
    }

    /// The beginning of a span as of the snapshot, about `limit` entries of it.
    pub(crate) fn page(
        &self,
        index: &Readable,
        span: &Span,
        sense: Sense,
        limit: usize,
        snapshot: &Snapshot,
    ) -> Result<Page, Error> {
        let mut entries = self.engine.scan(index.source, span, sense, limit)?;
        let (covered, rest) = match entries.last() {
            Some(last) if entries.len() >= limit => split_at(span, sense, last),
            _ => (span.clone(), None),
        };
        self.patch(&mut entries, index, &covered, sense, snapshot.version())?;
        Ok(Page { entries, rest })
    }

    /// Takes out of a page what is there since, and puts in what was there.
    fn patch(
        &self,
        entries: &mut Vec<Arc<[u8]>>,
        index: &Readable,
        covered: &Span,
        sense: Sense,
        version: i64,
    ) -> Result<(), Error> {
        let state = self.versions.lock();
        if state.history.is_empty() {
            return Ok(());
        }
        let table = &index.table;
        entries.retain(|entry| {
            let path = index.shape.path(entry).map(Arc::from);
            path.is_some_and(|path| {
                let key = Key {
                    table: table.id,
                    path,
                };
                state.history.find_image(&key, version).is_none()
            })
        });
        let everywhere = Span::of_prefix(&[]);
        let paths = match index.source {
            Source::Table(_) => covered,
            Source::Index(_) => &everywhere,
        };
        let (low, high) = paths.bounds();
        let before = entries.len();
        for key in state.history.changed(table.id, low, high, version) {
            let Some(Some(record)) = state.history.find_image(&key, version) else {
                continue;
            };
            match index.source {
                Source::Table(_) => entries.push(key.path.clone()),
                Source::Index(id) => {
                    let of_image = indexing::entries(&self.catalog, table, &record.properties(), &key.path)?;
                    let here = of_image.into_iter().filter(|entry| entry.index == id);
                    let covered = here.filter(|entry| covered.contains(&entry.bytes));
                    entries.extend(covered.map(|entry| Arc::from(entry.bytes)));
                }
            }
        }
        if entries.len() > before {
            entries.sort_unstable();
            if sense == Sense::Backward {
                entries.reverse();
            }
        }
        Ok(())
    }

    /// Checks a batch against the present. Nothing is written.
    pub(crate) fn check(&self, writing: &mut impl Writing, batch: Batch) -> Result<Ready, Error> {
        let Batch { writes, reads, now } = batch;
        if let Some((reads, _snapshot)) = &reads
            && reads.is_stale(&self.catalog, &self.versions.lock().history)?
        {
            return Err(Error::Contention);
        }
        let version = self.versions.lock().assign(now);
        let mut draft = Draft {
            version,
            ..Draft::default()
        };
        for write in writes {
            draft.add(&self.catalog, writing, write)?;
        }
        draft.finish(&self.catalog)
    }
}

/// What [`Store::page`] can read: a table or one of its indexes.
#[derive(Clone, Debug)]
pub(crate) struct Readable {
    pub(crate) table: Arc<Table>,
    pub(crate) source: Source,
    pub(crate) shape: indexing::Shape,
}

/// The part of a span that was read when `last` came, and the part that was not.
fn split_at(span: &Span, sense: Sense, last: &[u8]) -> (Span, Option<Span>) {
    let (mut covered, mut rest) = (span.clone(), span.clone());
    match sense {
        Sense::Forward => {
            covered.high = Bound::Included(last.to_vec());
            rest.low = Bound::Excluded(last.to_vec());
        }
        Sense::Backward => {
            covered.low = Bound::Included(last.to_vec());
            rest.high = Bound::Excluded(last.to_vec());
        }
    }
    (covered, Some(rest))
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
                Some(record) => {
                    indexing::entries(catalog, &slot.table, &record.properties(), &slot.key.path)?
                }
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

impl State {
    /// Takes note of a checked batch that readers see from now on, as soon as the engine, closed
    /// to them, has applied it.
    pub(crate) fn publish_now(&mut self, ready: &mut Ready) {
        if self.is_held() {
            let version = ready.committed.version;
            self.history.push(version, std::mem::take(&mut ready.replaced));
        }
        self.publish(ready.committed.version);
    }
}
