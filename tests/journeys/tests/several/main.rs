//! Several `noroshi up` on the same stores: lanes and turns, pause and cancel across processes, and
//! quotas that they keep together.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot go on has failed")]

mod control;
mod lanes;
mod quotas;
mod triggered;

use std::process::Command;

use campaign::{AudienceId, CampaignId};
use chrono::{DateTime, Utc};
use journeys::binaries::binary;
use journeys::cluster::{Cluster, Plan, Sql};
use journeys::world::Settings;
use serde_json::json;

/// Chunks of a lane that one process has in hand at most, as `sender.concurrency` has it.
const IN_HAND: u16 = 16;

/// Two processes on that database.
async fn two(sql: Sql, settings: impl Fn(usize, Settings) -> Settings + 'static) -> Cluster {
    let noroshi = binary("noroshi");
    let plan = Plan {
        sql,
        members: 2,
        tasks_at_once: 2 * IN_HAND,
        noroshi: Box::new(move || Command::new(&noroshi)),
        settings: Box::new(settings),
    };
    Cluster::start(plan).await
}

/// A draft to that audience, to be sent then, or at once when it is started.
async fn draft(cluster: &Cluster, audience: AudienceId, at: Option<DateTime<Utc>>) -> CampaignId {
    let at = at.map_or_else(|| json!("now"), |instant| json!({"instant": instant}));
    let plan = json!({
        "name": "a signal",
        "audience_id": audience,
        "schedule": {"at": at},
        "message": {"default_locale": "en", "texts": {"en": {"title": "A signal", "body": "Lit."}}},
    });
    cluster.draft(&plan).await
}

/// Chunks of a campaign of so many that are expanded.
async fn expanded(cluster: &Cluster, campaign: CampaignId, chunks: u32) -> u32 {
    let numbers: Vec<_> = (0..chunks).collect();
    let mut missing = 0;
    for numbers in numbers.chunks(push_store::MAX_LOOKUP_KEYS) {
        let store = &cluster.books.push_store;
        missing += store.list_unexpanded(campaign, numbers).await.unwrap().len();
    }
    chunks - u32::try_from(missing).unwrap()
}
