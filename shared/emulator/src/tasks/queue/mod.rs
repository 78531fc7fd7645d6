//! A queue at work: what is due is dispatched, what failed comes back later.
//!
//! Each queue has one dispatcher task, which alone decides what starts and when. It learns of
//! changes by events that the store sends after their commit, in the order of the commits; so
//! its view of what is stored never runs ahead, and no change falls between two looks.

mod dispatcher;
mod outcome;
mod records;
mod registry;
mod retry;
mod window;

use std::sync::Arc;

use gcloud_sdk::google::cloud::tasks::v2;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub(super) use registry::{Environment, Queues};

use super::attempt::Answer;
use super::store::{Entry, Key, Page, StoreError};

/// What a dispatcher is told.
#[derive(Debug)]
pub(super) enum Event {
    /// The task is stored and waits for its time.
    Waits(Entry),
    /// The task is to be dispatched now, whatever the queue's state and limits.
    Forced(Entry),
    /// The task is no longer stored.
    Gone(Key),
    /// Nothing up to this id is stored any more.
    Purged { last: i64 },
    /// What the store holds behind `after`.
    Loaded {
        after: Key,
        page: Result<Page, StoreError>,
    },
    /// An attempt is over.
    Answered { entry: Entry, answer: Answer },
    /// The result of an attempt is stored: the task waits again, or has ended.
    Settled { id: i64, again: Option<Entry> },
}

/// A queue that exists: its definition, and the way to its dispatcher.
#[derive(Debug)]
pub(super) struct Handle {
    /// Its id in the store.
    pub(super) id: i64,
    definition: watch::Sender<Arc<v2::Queue>>,
    events: mpsc::UnboundedSender<Event>,
    closed: CancellationToken,
}

impl Handle {
    /// Its settings and state as they are now.
    pub(super) fn definition(&self) -> Arc<v2::Queue> {
        self.definition.borrow().clone()
    }

    /// The way to its dispatcher, which ignores what comes after its end.
    pub(super) fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }
}
