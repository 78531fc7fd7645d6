//! The soonest tasks of a queue, in memory, in order; the rest stays in the store.
//!
//! `reach` says how far the window knows the store: it holds every waiting task up to there.
//! What becomes due beyond it is left out and found again when the window is refilled.

use std::collections::BTreeMap;

use prost::Message;

use crate::tasks::store::{Entry, Key};

/// How many bytes the tasks of a window may have together; one is kept whatever its size.
pub(super) const MOST_BYTES: usize = 32 << 20;

/// How far the window knows what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Everything that waits is in the window.
    All,
    /// Everything that waits up to and with this key is; there may be more behind it.
    Until(Key),
}

/// Waiting tasks by their due time, bounded in number and bytes.
#[derive(Debug)]
pub(super) struct Window {
    tasks: BTreeMap<Key, Entry>,
    bytes: usize,
    reach: Reach,
    most_tasks: usize,
}

impl Window {
    /// An empty window that knows nothing of the store yet.
    pub(super) fn new(most_tasks: usize) -> Self {
        let start = Key {
            due_at: i64::MIN,
            id: 0,
        };
        Self {
            tasks: BTreeMap::new(),
            bytes: 0,
            reach: Reach::Until(start),
            most_tasks: most_tasks.max(1),
        }
    }

    /// Takes a stored task in if it lies within reach; the latest ones give way to it.
    pub(super) fn offer(&mut self, entry: Entry) {
        if let Reach::Until(last) = self.reach
            && entry.key > last
        {
            return;
        }
        self.insert(entry);
        while self.tasks.len() > 1 && (self.tasks.len() > self.most_tasks || self.bytes > MOST_BYTES) {
            self.drop_latest();
        }
    }

    /// When the soonest task is due, in microseconds.
    pub(super) fn next_due(&self) -> Option<i64> {
        self.tasks.first_key_value().map(|(key, _)| key.due_at)
    }

    /// Takes the soonest task out.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let (_, entry) = self.tasks.pop_first()?;
        self.bytes -= entry.task.encoded_len();
        Some(entry)
    }

    /// Forgets a task; one that is not here is no matter.
    pub(super) fn remove(&mut self, key: Key) {
        if let Some(entry) = self.tasks.remove(&key) {
            self.bytes -= entry.task.encoded_len();
        }
    }

    /// Forgets every task whose id is at most `last`.
    pub(super) fn purge(&mut self, last: i64) {
        self.tasks.retain(|key, _| key.id > last);
        self.bytes = self.tasks.values().map(|entry| entry.task.encoded_len()).sum();
    }

    /// From where to load more: once the window has run low and the store may hold more.
    pub(super) fn wants_after(&self) -> Option<Key> {
        let low = self.tasks.len() <= self.most_tasks / 4 && self.bytes <= MOST_BYTES / 4;
        match self.reach {
            Reach::Until(last) if low => Some(last),
            Reach::Until(_) | Reach::All => None,
        }
    }

    /// Takes in those tasks of a page (`after`, `last`] of the store that wait. Says whether it
    /// did: a page is of no use if the window has shrunk since, as it no longer joins up.
    pub(super) fn fill(&mut self, (after, last): (Key, Key), entries: Vec<Entry>, more: bool) -> bool {
        if self.reach != Reach::Until(after) {
            return false;
        }
        self.reach = if more { Reach::Until(last) } else { Reach::All };
        for entry in entries {
            self.insert(entry);
        }
        true
    }

    fn insert(&mut self, entry: Entry) {
        self.bytes += entry.task.encoded_len();
        if let Some(before) = self.tasks.insert(entry.key, entry) {
            self.bytes -= before.task.encoded_len();
        }
    }

    fn drop_latest(&mut self) {
        if let Some((_, entry)) = self.tasks.pop_last() {
            self.bytes -= entry.task.encoded_len();
        }
        if let Some((&last, _)) = self.tasks.last_key_value() {
            self.reach = Reach::Until(last);
        }
    }
}

#[cfg(test)]
mod tests;
