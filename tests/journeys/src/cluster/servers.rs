//! Datastore, the queue and the gateway of a cluster, in this process.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use emulator::{datastore, sink, tasks};
use push_store::PushStore;
use task_queue::{Oidc, TaskQueue};

use crate::world::Settings;

const PROJECT: &str = "cluster";
const LOCATION: &str = "asia-northeast1";
const SERVICE_ACCOUNT: &str = "queue@noroshi.invalid";

/// How long a call to them may take.
const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Servers {
    pub(super) datastore: datastore::Server,
    pub(super) tasks: tasks::Server,
    pub(super) sink: sink::Server,
}

impl Servers {
    /// Starts them, with everything in memory but the ledger. The queues are made as an operator
    /// makes them, for so many tasks at once.
    pub(super) async fn start(ledger: &Path, tasks_at_once: u16) -> Self {
        let queue = tasks::Config::new(tasks::Storage::Memory);
        let datastore = datastore::Server::start(datastore::Config::default(), loopback());
        let sink = sink::Server::start(sink::Config::new(ledger.to_owned()), loopback());
        let servers = Self {
            datastore: datastore.await.expect("Datastore starts"),
            tasks: tasks::Server::start(queue, loopback())
                .await
                .expect("the queue starts"),
            sink: sink.await.expect("the gateway starts"),
        };
        servers.make_queues(tasks_at_once).await;
        servers
    }

    async fn make_queues(&self, max_concurrent: u16) {
        let names = runtime::Config::default().queue;
        let settings = task_queue::Settings {
            endpoint: format!("http://{}", self.tasks.address()),
            project: PROJECT.to_owned(),
            location: LOCATION.to_owned(),
            fast: names.fast,
            bulk: names.bulk,
            handler: String::new(),
            oidc: Oidc {
                service_account: SERVICE_ACCOUNT.to_owned(),
                audience: String::new(),
            },
            dispatch_deadline: DEADLINE,
            max_concurrent,
            deadline: DEADLINE,
        };
        let queue = TaskQueue::connect(settings).await.expect("the queue answers");
        queue.create_queues().await.expect("queues can be made");
    }

    /// Points a configuration at them.
    pub(super) fn name_in(&self, settings: Settings) -> Settings {
        settings
            .set(
                "datastore.endpoint",
                format!("http://{}", self.datastore.address()),
            )
            .set("datastore.project", PROJECT)
            .set("queue.endpoint", format!("http://{}", self.tasks.address()))
            .set("queue.project", PROJECT)
            .set("queue.location", LOCATION)
            .set("queue.service_account", SERVICE_ACCOUNT)
            .set("provider.fcm.endpoint", format!("http://{}", self.sink.address()))
            .set("provider.fcm.project", PROJECT)
    }

    pub(super) async fn push_store(&self) -> PushStore {
        let settings = push_store::Settings {
            endpoint: format!("http://{}", self.datastore.address()),
            project: PROJECT.to_owned(),
            database: String::new(),
            namespace: String::new(),
            deadline: DEADLINE,
        };
        PushStore::connect(settings).await.expect("Datastore answers")
    }

    pub(super) async fn stop(self) {
        self.tasks.stop().await;
        self.sink.stop().await;
        self.datastore.stop().await;
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}
