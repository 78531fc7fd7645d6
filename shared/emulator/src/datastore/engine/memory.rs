//! Everything in ordered maps in the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use super::{Change, Record, Sense, Source, Span, Writing};
use crate::datastore::error::Error;
use crate::datastore::key::Key;

/// The maps, by the numbers of tables and indexes.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    maps: RwLock<Maps>,
}

#[derive(Debug, Default)]
struct Maps {
    tables: Vec<BTreeMap<Arc<[u8]>, Record>>,
    indexes: Vec<BTreeSet<Box<[u8]>>>,
}

impl Memory {
    /// The entities at the keys, in their order.
    pub(crate) fn find_all(&self, keys: &[Key]) -> Vec<Option<Record>> {
        let maps = self.maps.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().map(|key| maps.find(key)).collect()
    }

    /// At most `limit` byte strings of a span, in that sense.
    pub(crate) fn scan(&self, source: Source, span: &Span, sense: Sense, limit: usize) -> Vec<Arc<[u8]>> {
        if span.is_empty() {
            return Vec::new();
        }
        let maps = self.maps.read().unwrap_or_else(PoisonError::into_inner);
        match source {
            Source::Table(id) => {
                let Some(table) = maps.tables.get(id.0 as usize) else {
                    return Vec::new();
                };
                let paths = table
                    .range::<[u8], _>(span.bounds())
                    .map(|(path, _)| path.clone());
                take(paths, sense, limit)
            }
            Source::Index(id) => {
                let Some(index) = maps.indexes.get(id.0 as usize) else {
                    return Vec::new();
                };
                let entries = index
                    .range::<[u8], _>(span.bounds())
                    .map(|entry| Arc::from(&**entry));
                take(entries, sense, limit)
            }
        }
    }

    /// Opens the maps for one commit.
    pub(crate) fn write(&self) -> Commit<'_> {
        Commit(self.maps.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Drops everything.
    pub(crate) fn clear(&self) {
        *self.maps.write().unwrap_or_else(PoisonError::into_inner) = Maps::default();
    }
}

fn take(found: impl DoubleEndedIterator<Item = Arc<[u8]>>, sense: Sense, limit: usize) -> Vec<Arc<[u8]>> {
    match sense {
        Sense::Forward => found.take(limit).collect(),
        Sense::Backward => found.rev().take(limit).collect(),
    }
}

impl Maps {
    fn find(&self, key: &Key) -> Option<Record> {
        self.tables.get(key.table.0 as usize)?.get(&key.path).cloned()
    }
}

/// The maps, open for one commit.
#[derive(Debug)]
pub(crate) struct Commit<'a>(RwLockWriteGuard<'a, Maps>);

impl Writing for Commit<'_> {
    fn find(&mut self, key: &Key) -> Result<Option<Record>, Error> {
        Ok(self.0.find(key))
    }

    fn apply(&mut self, change: Change) -> Result<(), Error> {
        let table = at(&mut self.0.tables, change.key.table.0);
        match change.after {
            Some(record) => table.insert(change.key.path, record),
            None => table.remove(&change.key.path),
        };
        for entry in change.entries_removed {
            at(&mut self.0.indexes, entry.index.0).remove(&entry.bytes);
        }
        for entry in change.entries_added {
            at(&mut self.0.indexes, entry.index.0).insert(entry.bytes);
        }
        Ok(())
    }
}

fn at<T: Default>(list: &mut Vec<T>, number: u32) -> &mut T {
    let place = number as usize;
    if list.len() <= place {
        list.resize_with(place + 1, T::default);
    }
    &mut list[place]
}
