//! The configuration of one process of the loop: leases of seconds, so that what a dead one held
//! is soon somebody else's.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use journeys::world::{Settings, TOKEN};

/// How long a sender holds a chunk.
pub(super) const LEASE: Duration = Duration::from_secs(8);

/// A fault's `hang`, and the least time that a process stands still: longer than a lease.
pub(super) const HANG: Duration = Duration::from_millis(8_500);

pub(super) const PROJECT: &str = "faults";
const SERVICE_ACCOUNT: &str = "queue@noroshi.invalid";
const AUDIENCE: &str = "http://noroshi.invalid/tasks/deliver";

/// Where one process finds everything, and is found.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) sql: String,
    pub(super) datastore: SocketAddr,
    pub(super) queue: SocketAddr,
    pub(super) gateway: SocketAddr,
    /// Where the queue delivers the tasks that it creates: a process next to it.
    pub(super) handler: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) sender: SocketAddr,
}

/// Writes it to the process's own directory, and says where.
pub(super) fn write(directory: &Path, places: &Places) -> anyhow::Result<PathBuf> {
    let url = directory.join("database-url");
    std::fs::write(&url, &places.sql)?;
    let settings = Settings::embedded(directory, TOKEN)
        .set("database.url", format!("file:{}", url.display()))
        .set("datastore.endpoint", format!("http://{}", places.datastore))
        .set("datastore.project", PROJECT)
        .set("queue.endpoint", format!("http://{}", places.queue))
        .set("queue.project", PROJECT)
        .set("queue.location", "asia-northeast1")
        .set(
            "queue.handler",
            format!("http://{}/tasks/deliver", places.handler),
        )
        .set("queue.service_account", SERVICE_ACCOUNT)
        .set("queue.audience", AUDIENCE)
        .set("queue.deadline", "15s")
        .set("provider.fcm.endpoint", format!("http://{}", places.gateway))
        .set("provider.fcm.project", PROJECT)
        .set("provider.fcm.timeout", "3s")
        .set("admin.listen", places.admin.to_string())
        .set("sender.listen", places.sender.to_string())
        .set("sender.settle_margin", "1s")
        .set("sender.budget", "5s")
        .set("sender.lease", format!("{}s", LEASE.as_secs()))
        .set("sender.skew", "500ms")
        .set("sender.concurrency", 4)
        .set("dispatch.pick_up", "3s")
        .set("dispatch.pick_up_max", "60s")
        .set("reconcile.min_age", "2s")
        .set("log.format", "json");
    Ok(settings.write(directory))
}
