//! The configuration of the process under test: short leases, so that a case takes seconds.

use std::path::Path;

use journeys::world::{Settings, TOKEN};

use super::servers::{PROJECT, Servers};

const SERVICE_ACCOUNT: &str = "queue@noroshi.invalid";

pub(super) fn settings(directory: &Path, servers: &Servers) -> Settings {
    let url = directory.join("database-url");
    std::fs::write(&url, servers.sql_settings().url).expect("the case's own directory can be written");
    Settings::embedded(directory, TOKEN)
        .set("database.url", format!("file:{}", url.display()))
        .set("datastore.endpoint", servers.datastore_endpoint())
        .set("datastore.project", PROJECT)
        .set("queue.endpoint", servers.queue_endpoint())
        .set("queue.project", PROJECT)
        .set("queue.location", "asia-northeast1")
        .set("queue.handler", servers.handler())
        .set("queue.service_account", SERVICE_ACCOUNT)
        .set("queue.deadline", "15s")
        .set("provider.fcm.endpoint", servers.gateway_endpoint())
        .set("provider.fcm.project", PROJECT)
        .set("provider.fcm.timeout", "800ms")
        .set("sender.listen", servers.sender().to_string())
        .set("sender.settle_margin", "200ms")
        .set("sender.budget", "1500ms")
        .set("sender.lease", "2s")
        .set("sender.skew", "100ms")
        .set("sender.concurrency", 4)
        .set("fan_out.lease", "1s")
        .set("dispatch.pick_up", "1s")
        .set("dispatch.pick_up_max", "4s")
        .set("reconcile.min_age", "500ms")
        .set("log.format", "json")
}
