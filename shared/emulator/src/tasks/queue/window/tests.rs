//! The window by examples, and against a model of the store in any order of steps.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use gcloud_sdk::google::cloud::tasks::v2::Task;
use proptest::prelude::*;

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
    let mut window = Window::new(most_tasks);
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

#[derive(Clone, Debug)]
enum Step {
    Create { due_at: i64 },
    Pop,
    Delete { nth: usize },
    Ask,
    Answer,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..50_i64).prop_map(|due_at| Step::Create { due_at }),
        2 => Just(Step::Pop),
        1 => (0..20_usize).prop_map(|nth| Step::Delete { nth }),
        1 => Just(Step::Ask),
        1 => Just(Step::Answer),
    ]
}

/// A window over a store of keys, asked and answered as the dispatcher does it.
struct Model {
    window: Window,
    stored: BTreeSet<Key>,
    asked: Option<Key>,
    last_id: i64,
}

impl Model {
    fn take(&mut self, step: &Step) {
        match *step {
            Step::Create { due_at } => {
                self.last_id += 1;
                self.stored.insert(Key {
                    due_at,
                    id: self.last_id,
                });
                self.window.offer(entry(due_at, self.last_id));
            }
            Step::Pop => drop(self.pop()),
            Step::Delete { nth } => {
                if let Some(key) = self.stored.iter().nth(nth).copied() {
                    self.stored.remove(&key);
                    self.window.remove(key);
                }
            }
            Step::Ask => self.asked = self.asked.or(self.window.wants_after()),
            Step::Answer => {
                let Some(after) = self.asked.take() else { return };
                let behind = (Bound::Excluded(after), Bound::Unbounded);
                let page: Vec<Key> = self.stored.range(behind).copied().take(2).collect();
                let last = page.last().copied().unwrap_or(after);
                let more = self.stored.last() > Some(&last);
                let entries = page.into_iter().map(|key| entry(key.due_at, key.id)).collect();
                self.window.fill((after, last), entries, more);
            }
        }
    }

    /// What is popped must be stored, and the soonest of all that is within reach.
    fn pop(&mut self) -> Option<Key> {
        let key = self.window.pop()?.key;
        assert!(self.stored.remove(&key), "it was deleted, or popped before");
        assert!(
            self.stored.first().is_none_or(|soonest| key < *soonest),
            "a sooner one was left behind"
        );
        Some(key)
    }
}

proptest! {
    #[test]
    fn every_stored_task_is_popped_once_and_in_order(
        steps in proptest::collection::vec(any_step(), 0..200),
        most_tasks in 1..6_usize,
    ) {
        let window = Window::new(most_tasks);
        let mut model = Model { window, stored: BTreeSet::new(), asked: None, last_id: 0 };

        steps.iter().for_each(|step| model.take(step));
        while !model.stored.is_empty() {
            let before = (model.stored.len(), model.window.reach, model.asked);
            [Step::Ask, Step::Answer, Step::Pop].iter().for_each(|step| model.take(step));
            prop_assert_ne!(before, (model.stored.len(), model.window.reach, model.asked), "it is stuck");
        }

        prop_assert_eq!(model.window.bytes, 0);
    }
}
