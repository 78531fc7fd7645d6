//! What entities were before the latest commits.
//!
//! An engine knows the present only. While somebody still reads at an older version, every
//! commit leaves here what it replaced; a read at version `v` is the present, patched with the
//! oldest such image of a later commit. The same images tell an optimistic commit whether
//! anything it has read was changed since.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use super::catalog::TableId;
use super::engine::Record;
use super::key::Key;

/// An entity at some time; `None`: there was none.
pub(crate) type Image = Option<Record>;

/// The images left by commits that somebody does not see yet.
#[derive(Debug, Default)]
pub(crate) struct History {
    tables: HashMap<TableId, BTreeMap<Arc<[u8]>, Vec<Change>>>,
    commits: VecDeque<(i64, Vec<Key>)>,
}

#[derive(Debug)]
struct Change {
    version: i64,
    before: Image,
    after: Image,
}

/// What a commit did to one entity.
#[derive(Debug)]
pub(crate) struct Replaced {
    pub(crate) key: Key,
    pub(crate) before: Image,
    pub(crate) after: Image,
}

impl History {
    /// Remembers what the commit of `version`, later than any before, replaced.
    pub(crate) fn push(&mut self, version: i64, changes: Vec<Replaced>) {
        let mut keys = Vec::with_capacity(changes.len());
        for Replaced { key, before, after } in changes {
            let table = self.tables.entry(key.table).or_default();
            table.entry(key.path.clone()).or_default().push(Change {
                version,
                before,
                after,
            });
            keys.push(key);
        }
        self.commits.push_back((version, keys));
    }

    /// What was at the key at `version`, if that was changed since; else `None`.
    pub(crate) fn find_image(&self, key: &Key, version: i64) -> Option<&Image> {
        let changes = self.tables.get(&key.table)?.get(&key.path)?;
        changes
            .iter()
            .find(|change| change.version > version)
            .map(|change| &change.before)
    }

    /// Everything that was written at the key after `version`, oldest first.
    pub(crate) fn results(&self, key: &Key, version: i64) -> impl Iterator<Item = &Image> {
        let changes = self.tables.get(&key.table).and_then(|table| table.get(&key.path));
        let since = changes
            .into_iter()
            .flatten()
            .filter(move |change| change.version > version);
        since.map(|change| &change.after)
    }

    /// The paths of a table between the bounds that were changed since `version`.
    pub(crate) fn changed(
        &self,
        table: TableId,
        low: Bound<&[u8]>,
        high: Bound<&[u8]>,
        version: i64,
    ) -> impl Iterator<Item = Key> {
        let paths = self.tables.get(&table).into_iter();
        paths
            .flat_map(move |paths| paths.range::<[u8], _>((low, high)))
            .filter(move |(_, changes)| changes.iter().any(|change| change.version > version))
            .map(move |(path, _)| Key {
                table,
                path: path.clone(),
            })
    }

    /// Whether nothing was left here.
    pub(crate) fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    /// Forgets what only readers before `version` would have needed.
    pub(crate) fn forget_until(&mut self, version: i64) {
        while self
            .commits
            .front()
            .is_some_and(|(committed, _)| *committed <= version)
        {
            if let Some((committed, keys)) = self.commits.pop_front() {
                self.forget(committed, &keys);
            }
        }
    }

    /// Takes back the commits after `version`, which were not stored.
    pub(crate) fn take_back(&mut self, version: i64) {
        while self
            .commits
            .back()
            .is_some_and(|(committed, _)| *committed > version)
        {
            if let Some((committed, keys)) = self.commits.pop_back() {
                self.forget(committed, &keys);
            }
        }
    }

    fn forget(&mut self, version: i64, keys: &[Key]) {
        for key in keys {
            let Some(table) = self.tables.get_mut(&key.table) else {
                continue;
            };
            if let Some(changes) = table.get_mut(&key.path) {
                changes.retain(|change| change.version != version);
                if changes.is_empty() {
                    table.remove(&key.path);
                }
            }
        }
    }
}
