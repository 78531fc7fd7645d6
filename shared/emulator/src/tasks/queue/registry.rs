//! Every queue there is, each with its dispatcher.
//!
//! A change of a queue is stored first and then shown; changes come one after another, so that
//! two of them cannot overwrite each other.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use gcloud_sdk::google::cloud::tasks::v2;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;

use super::dispatcher::Dispatcher;
use super::{Event, Handle};
use crate::tasks::Config;
use crate::tasks::identity::Identity;
use crate::tasks::store::{self, Store, StoreError};

/// How many tasks one step of a purge deletes, so that others get their turn in between.
const PURGE_STEP: usize = 1_000;

/// What calls and dispatchers work with.
#[derive(Clone, Debug)]
pub(in crate::tasks) struct Environment {
    pub(in crate::tasks) store: Store,
    pub(in crate::tasks) config: Arc<Config>,
    pub(in crate::tasks) client: reqwest::Client,
    pub(in crate::tasks) identity: Arc<Identity>,
    pub(in crate::tasks) calls: TaskTracker,
    pub(in crate::tasks) dispatchers: TaskTracker,
    pub(in crate::tasks) attempts: TaskTracker,
    /// Nothing more is dispatched; what is under way goes on.
    pub(in crate::tasks) stop: CancellationToken,
    /// What is under way ends where it is, and is dispatched again after the next start.
    pub(in crate::tasks) abort: CancellationToken,
}

/// The queues by name.
#[derive(Debug)]
pub(in crate::tasks) struct Queues {
    environment: Environment,
    by_name: RwLock<BTreeMap<String, Arc<Handle>>>,
    changing: Mutex<()>,
}

impl Queues {
    /// Brings up the queues that are stored.
    pub(in crate::tasks) async fn open(environment: Environment) -> Result<Self, StoreError> {
        let stored = environment.store.run(store::list_queues).await?;
        let queues = Self {
            environment,
            by_name: RwLock::default(),
            changing: Mutex::default(),
        };
        for (id, definition) in stored {
            queues.bring_up(id, definition);
        }
        Ok(queues)
    }

    /// The queue of that name, if there is one.
    pub(in crate::tasks) fn find(&self, name: &str) -> Option<Arc<Handle>> {
        self.by_name
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// Up to `limit` queues in order of their names: those that begin with `prefix` and follow
    /// `after`.
    pub(in crate::tasks) fn list(&self, prefix: &str, after: &str, limit: usize) -> Vec<Arc<v2::Queue>> {
        let from = after.max(prefix);
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        by_name
            .range::<str, _>((Bound::Excluded(from), Bound::Unbounded))
            .take_while(|(name, _)| name.starts_with(prefix))
            .map(|(_, handle)| handle.definition())
            .take(limit)
            .collect()
    }

    /// Creates a queue; `None` where one of that name exists.
    pub(in crate::tasks) async fn insert(&self, queue: v2::Queue) -> Result<Option<Arc<Handle>>, StoreError> {
        let _turn = self.changing.lock().await;
        let stored = queue.clone();
        let id = self
            .environment
            .store
            .run(move |connection| store::insert_queue(connection, &stored))
            .await?;
        Ok(id.map(|id| self.bring_up(id, queue)))
    }

    /// Replaces a queue's definition by what `change` makes of it.
    pub(in crate::tasks) async fn change(
        &self,
        handle: &Handle,
        change: impl FnOnce(v2::Queue) -> Result<v2::Queue, Status>,
    ) -> Result<v2::Queue, Status> {
        let _turn = self.changing.lock().await;
        let changed = change((*handle.definition()).clone())?;
        let (id, stored) = (handle.id, changed.clone());
        self.environment
            .store
            .run(move |connection| store::update_queue(connection, id, &stored))
            .await?;
        handle.definition.send_replace(Arc::new(changed.clone()));
        Ok(changed)
    }

    /// Deletes every task that the queue has now.
    pub(in crate::tasks) async fn purge(&self, handle: &Handle) -> Result<(), StoreError> {
        let id = handle.id;
        let last = self.environment.store.run(store::last_task).await?;
        handle.tell(Event::Purged { last });
        loop {
            let now = self.environment.config.clock.now().timestamp_micros();
            let deleted = self
                .environment
                .store
                .run(move |connection| store::delete_tasks_through(connection, id, last, now, PURGE_STEP))
                .await?;
            if deleted == 0 {
                // Pages that were read while tasks were being deleted may have brought some back.
                handle.tell(Event::Purged { last });
                return Ok(());
            }
        }
    }

    /// Deletes a queue with its tasks. Attempts under way end on their own; their results are
    /// of no account.
    pub(in crate::tasks) async fn delete(&self, handle: &Handle) -> Result<(), StoreError> {
        let _turn = self.changing.lock().await;
        self.by_name
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&handle.definition().name);
        handle.closed.cancel();
        self.purge(handle).await?;
        let id = handle.id;
        self.environment
            .store
            .run(move |connection| store::delete_queue(connection, id))
            .await
    }

    fn bring_up(&self, id: i64, definition: v2::Queue) -> Arc<Handle> {
        let name = definition.name.clone();
        let (events, inbox) = mpsc::unbounded_channel();
        let closed = CancellationToken::new();
        let definition = watch::Sender::new(Arc::new(definition));
        let dispatcher = Dispatcher::new(
            id,
            self.environment.clone(),
            definition.subscribe(),
            (events.clone(), inbox),
            closed.clone(),
        );
        self.environment.dispatchers.spawn(dispatcher.run());
        let handle = Arc::new(Handle {
            id,
            definition,
            events,
            closed,
        });
        self.by_name
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, handle.clone());
        handle
    }
}
