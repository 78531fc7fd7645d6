//! Everything that a service or a pass works with, connected.

use std::sync::Arc;

use database::Db;
use provider::fcm::Fcm;
use push_store::PushStore;
use task_queue::TaskQueue;

use crate::job::Nudge;
use crate::process::Process;

/// The stores, the queue and the gateway, and the process they are used in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Backends {
    /// Configuration, clock, tasks, shutdown, metrics.
    pub process: Process,
    /// What people decided, in SQL.
    pub db: Db,
    /// Chunks and pushes, in Datastore.
    pub push_store: PushStore,
    /// The way from dispatch to the sender.
    pub task_queue: TaskQueue,
    /// The gateway to devices.
    pub fcm: Arc<Fcm>,
    /// Wake the loops of this process; nobody hears them in a process without loops.
    pub nudges: Nudges,
}

/// One nudge for each pass that others give work to.
#[derive(Clone, Debug, Default)]
pub struct Nudges {
    /// An upload is complete.
    pub import: Nudge,
    /// A campaign was started.
    pub fan_out: Nudge,
    /// Chunks were expanded, or a campaign was resumed.
    pub dispatch: Nudge,
    /// A chunk is done, or a campaign was cancelled.
    pub reconcile: Nudge,
    /// A user is to be erased.
    pub erase: Nudge,
}
