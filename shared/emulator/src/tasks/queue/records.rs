//! What a dispatcher has the store do. Answers come back as events, in the order of the commits.

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use super::Event;
use super::window::MOST_BYTES;
use crate::tasks::store::{self, Entry, Key, Store};

/// The records of one queue.
#[derive(Debug)]
pub(super) struct Records {
    queue: i64,
    store: Store,
    events: mpsc::UnboundedSender<Event>,
}

impl Records {
    pub(super) fn new(queue: i64, store: Store, events: mpsc::UnboundedSender<Event>) -> Self {
        Self { queue, store, events }
    }

    /// Asks for up to so many tasks that follow `after`, and half the bytes that a window holds.
    pub(super) fn load(&self, after: Key, tasks: usize) {
        let (queue, events) = (self.queue, self.events.clone());
        self.store.submit(
            move |connection| store::list_due(connection, queue, after, tasks, MOST_BYTES / 2),
            move |page| {
                let _ = events.send(Event::Loaded { after, page });
            },
        );
    }

    /// Ends a task: it is done, or given up. Where the store fails there is no event, and the
    /// next start of the server dispatches the task again.
    pub(super) fn settle(&self, id: i64, now: DateTime<Utc>) {
        let (queue, events) = (self.queue, self.events.clone());
        let now = now.timestamp_micros();
        self.store.submit(
            move |connection| store::settle(connection, queue, id, now),
            move |settled| match settled {
                Ok(()) => {
                    let _ = events.send(Event::Settled { id, again: None });
                }
                Err(error) => tracing::error!(%error, "the end of a task could not be stored"),
            },
        );
    }

    /// Stores a task as it waits for its next attempt. Where the store fails there is no event,
    /// and the task waits for the next start of the server.
    pub(super) fn reschedule(&self, entry: Entry) {
        let events = self.events.clone();
        self.store.submit(
            move |connection| {
                let stored = store::reschedule(connection, &entry)?;
                Ok((entry.key.id, stored.then_some(entry)))
            },
            move |stored| match stored {
                Ok((id, again)) => {
                    let _ = events.send(Event::Settled { id, again });
                }
                Err(error) => tracing::error!(%error, "the retry of a task could not be stored"),
            },
        );
    }
}
