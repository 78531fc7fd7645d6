//! The configuration of the process under test: short leases, so that a case takes seconds.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use journeys::world::{Settings, TOKEN};

use super::servers::{PROJECT, Servers};
use super::wires::Wires;
use crate::case::Scenario;

/// How long a sender holds a chunk.
pub(super) const LEASE: Duration = Duration::from_secs(3);

/// How long a request to a gateway may take.
const GATEWAY_TIMEOUT: &str = "1100ms";

/// What signs posts to a case's own webhook.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const SERVICE_ACCOUNT: &str = "queue@noroshi.invalid";

/// Of a process with its files in `directory` and its sender at `sender`, which reaches the
/// servers over the wires where there are any.
pub(super) fn settings(directory: &Path, sender: SocketAddr, servers: &Servers, wires: &Wires) -> Settings {
    let url = directory.join("database-url");
    std::fs::write(&url, database_url(servers, wires)).expect("the case's own directory can be written");
    let datastore = wires.datastore().map(|wire| wire.to_string());
    let datastore = datastore.unwrap_or_else(|| servers.datastore().to_owned());
    let gateway = format!("http://{}", servers.gateway());
    let handler = wires.handler().unwrap_or(servers.sender());
    Settings::embedded(directory, TOKEN)
        .set("database.url", format!("file:{}", url.display()))
        .set("datastore.endpoint", format!("http://{datastore}"))
        .set("datastore.project", servers.project())
        .set("queue.endpoint", format!("http://{}", servers.queue().address()))
        .set("queue.project", PROJECT)
        .set("queue.location", "asia-northeast1")
        .set("queue.handler", format!("http://{handler}/tasks/deliver"))
        .set("queue.service_account", SERVICE_ACCOUNT)
        .set("queue.deadline", "15s")
        .set("provider.fcm.endpoint", gateway.clone())
        .set("provider.fcm.project", PROJECT)
        .set("provider.fcm.timeout", GATEWAY_TIMEOUT)
        .set("provider.apns.endpoint", gateway.clone())
        .set("provider.apns.timeout", GATEWAY_TIMEOUT)
        .set("provider.apns.connections", 1)
        .set("provider.web_push.stand_in", gateway)
        .set("provider.web_push.timeout", GATEWAY_TIMEOUT)
        .set("provider.web_push.connections", 1)
        .set("sender.listen", sender.to_string())
        .set("sender.settle_margin", "200ms")
        .set("sender.budget", "1500ms")
        .set("sender.lease", format!("{}ms", LEASE.as_millis()))
        .set("sender.skew", "100ms")
        .set("sender.concurrency", 4)
        .set("fan_out.lease", "1s")
        .set("dispatch.pick_up", "1s")
        .set("dispatch.pick_up_max", "30s")
        .set("reconcile.min_age", "500ms")
        .set("log.format", "json")
}

/// The same, with what the scenario needs.
pub(super) fn of_scenario(
    settings: Settings,
    scenario: Scenario,
    directory: &Path,
    webhook: Option<SocketAddr>,
) -> Settings {
    let settings = match scenario {
        // Fifty a second: also a chunk that is alone in hand is sent for longer than a settle is put off.
        Scenario::SmallQuota | Scenario::SlowGateway => {
            settings.set("provider.fcm.messages_per_minute", 3_000)
        }
        _ => settings,
    };
    let Some(webhook) = webhook else {
        return settings;
    };
    let secret = directory.join("webhook-secret");
    std::fs::write(&secret, SECRET).expect("the case's own directory can be written");
    settings
        .set("feedback.webhook", format!("http://{webhook}/hook"))
        .set("feedback.secret", format!("file:{}", secret.display()))
        .set("feedback.interval", "100ms")
        // Reports are leased for as long as it may take to post all of them, each in this time.
        .set("feedback.timeout", "1s")
        .set(
            "feedback.attempts",
            match scenario {
                Scenario::FeedbackRefused => 2,
                _ => 100,
            },
        )
}

fn database_url(servers: &Servers, wires: &Wires) -> String {
    let url = servers.sql_settings().url;
    match (servers.sql_server(), wires.sql()) {
        (Some(server), Some(wire)) => url.replacen(server, &wire.to_string(), 1),
        (_, None) | (None, _) => url,
    }
}
