//! The soonest tasks of a queue, in memory, in order; the rest stays in the store.
//!
//! `reach` says how far the window knows the store: it holds every waiting task up to there.
//! What becomes due beyond it is left out and found again when the window is refilled.

use std::collections::BTreeMap;

use prost::Message;

use crate::tasks::store::{Entry, Key};

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
    most_bytes: usize,
}

impl Window {
    /// An empty window that knows nothing of the store yet.
    pub(super) fn new(most_tasks: usize, most_bytes: usize) -> Self {
        let start = Key {
            due_at: i64::MIN,
            id: 0,
        };
        Self {
            tasks: BTreeMap::new(),
            bytes: 0,
            reach: Reach::Until(start),
            most_tasks: most_tasks.max(1),
            most_bytes,
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
        while self.tasks.len() > 1 && (self.tasks.len() > self.most_tasks || self.bytes > self.most_bytes) {
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
        let low = self.tasks.len() <= self.most_tasks / 4 && self.bytes <= self.most_bytes / 4;
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
mod tests {
    use std::sync::Arc;

    use gcloud_sdk::google::cloud::tasks::v2::Task;

    use super::*;

    fn entry(due_at: i64, id: i64) -> Entry {
        Entry::fresh(
            Key { due_at, id },
            Arc::new(Task {
                name: "task".to_owned(),
                ..Task::default()
            }),
        )
    }

    fn loaded(most_tasks: usize, stored: Vec<Entry>, more: bool) -> Window {
        let mut window = Window::new(most_tasks, 1 << 20);
        let after = window.wants_after().unwrap();
        let last = stored.last().map_or(after, |entry| entry.key);
        assert!(window.fill((after, last), stored, more));
        window
    }

    fn ids(mut window: Window) -> Vec<i64> {
        std::iter::from_fn(|| window.pop())
            .map(|entry| entry.key.id)
            .collect()
    }

    #[test]
    fn the_soonest_come_first_and_equals_in_order_of_creation() {
        let mut window = loaded(10, vec![], false);

        for (due_at, id) in [(30, 1), (10, 2), (10, 3), (20, 4)] {
            window.offer(entry(due_at, id));
        }

        assert_eq!(ids(window), [2, 3, 4, 1]);
    }

    #[test]
    fn a_full_window_lets_the_latest_go_and_asks_for_them_again() {
        let mut window = loaded(2, vec![], false);

        for (due_at, id) in [(10, 1), (20, 2), (30, 3), (15, 4)] {
            window.offer(entry(due_at, id));
        }
        let before = window.wants_after();
        window.pop();
        window.pop();

        assert_eq!(before, None);
        assert_eq!(window.wants_after(), Some(Key { due_at: 15, id: 4 }));
    }

    #[test]
    fn a_task_beyond_reach_is_left_to_the_store() {
        let mut window = loaded(4, vec![entry(10, 1)], true);

        window.offer(entry(11, 2));
        window.offer(entry(9, 3));

        assert_eq!(ids(window), [3, 1]);
    }

    #[test]
    fn a_page_that_no_longer_joins_up_is_refused() {
        let mut window = loaded(1, vec![entry(10, 1)], true);
        let after = Key { due_at: 10, id: 1 };
        window.offer(entry(5, 2));

        let taken = window.fill((after, Key { due_at: 20, id: 3 }), vec![entry(20, 3)], false);

        assert!(!taken);
        assert_eq!(ids(window), [2]);
    }

    #[test]
    fn a_purge_forgets_by_id() {
        let mut window = loaded(10, vec![entry(1, 5), entry(2, 3), entry(3, 9)], false);

        window.purge(5);

        assert_eq!(ids(window), [9]);
    }
}
