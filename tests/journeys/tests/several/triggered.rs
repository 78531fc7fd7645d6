//! Single pushes beside each other, at two processes: each is delivered once, and how soon is said.
//!
//! No time is asserted: it is the machine's.

use std::time::Duration;

use campaign::CampaignId;
use journeys::cluster::{PATIENCE, Sql};
use journeys::world::{until_within, users};
use runtime::Clock;
use serde_json::{Value, json};

use crate::two;

/// Pushes, one after the other.
const PUSHES: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn triggered_pushes_are_delivered_at_once() {
    deliver(Sql::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn triggered_pushes_are_delivered_at_once_on_mysql() {
    if let Some(server) = Sql::named() {
        deliver(server).await;
    }
}

async fn deliver(sql: Sql) {
    let cluster = two(sql, |_, settings| settings).await;
    let users = users(PUSHES);
    cluster.api().register(&users).await;
    let plan = json!({
        "name": "your driver",
        "kind": "triggered",
        "message": {"default_locale": "en", "texts": {"en": {"title": "Here", "body": "Your taxi waits."}}},
    });
    let campaign: CampaignId = cluster.draft(&plan).await;
    cluster.api().turn(campaign, "start").await;

    let mut took = Vec::with_capacity(PUSHES);
    let mut mail = cluster.mail();
    for user in &users {
        let push = json!({"campaign_id": campaign, "user_id": user});
        let asked_at = Clock::system().now();
        let answer = cluster.api().post_once("/v1/pushes", user, &push).await;
        assert_eq!(answer.status.as_u16(), 202, "{answer:?}");
        let received_at = until_within(PATIENCE, "the push is delivered", async || {
            mail.more().next().map(|entry| entry.received_at)
        })
        .await;
        took.push((received_at - asked_at).to_std().unwrap_or_default());
    }
    until_within(PATIENCE, "every push is settled", async || {
        let progress: Value = cluster
            .api()
            .get(&format!("/v1/campaigns/{campaign}/progress"))
            .await;
        (progress["tally"]["sent"] == PUSHES).then_some(())
    })
    .await;

    assert_eq!(mail.more().count(), 0);
    say(took);
    cluster.end().await;
}

#[expect(clippy::disallowed_macros, reason = "a test speaks to whoever runs it")]
fn say(mut took: Vec<Duration>) {
    took.sort_unstable();
    let [median, late] = [PUSHES / 2, PUSHES * 99 / 100].map(|at| took[at].as_millis());
    eprintln!("from the request to the gateway: p50 {median} ms, p99 {late} ms, of {PUSHES} pushes");
}
