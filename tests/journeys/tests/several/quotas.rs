//! Two processes at one small quota: the gateway's ledger shows no minute with more messages than
//! it has, and no campaign that goes faster than it may.
//!
//! Asserted are counts by the gateway's own stamps, whatever the machine's speed: a slow one only
//! sends less.

use std::collections::VecDeque;

use campaign::CampaignId;
use chrono::{DateTime, TimeDelta, Utc};
use emulator::sink::ledger::Reader;
use journeys::cluster::{Cluster, PATIENCE, Sql};
use journeys::world::{Doubles, until_within, users};
use serde_json::{Value, json};

use crate::two;

/// Messages a minute of the project.
const QUOTA: u32 = 1_000;

/// More than that, so that it takes more than a minute.
const USERS: usize = 1_100;

/// So few in a chunk that both processes have many.
const CHUNK: i64 = 20;

/// Messages a second of a campaign.
const PACE: u32 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_keep_one_quota() {
    keep_quota(Sql::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_keep_one_quota_on_mysql() {
    if let Some(server) = Sql::named() {
        keep_quota(server).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_keep_a_campaigns_pace() {
    keep_pace(Sql::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_keep_a_campaigns_pace_on_mysql() {
    if let Some(server) = Sql::named() {
        keep_pace(server).await;
    }
}

async fn keep_quota(sql: Sql) {
    let cluster = two(sql, |_, settings| {
        settings
            .set("provider.fcm.messages_per_minute", i64::from(QUOTA))
            .set("fan_out.mutations", CHUNK + 1)
    })
    .await;
    let users = users(USERS);
    cluster.api().register(&users).await;

    // Each process is given one, and delivers what it hands to its own sender.
    let (some, others) = users.split_at(USERS / 2);
    let campaigns = [
        start_at(&cluster, 0, some, &json!({})).await,
        start_at(&cluster, 1, others, &json!({})).await,
    ];
    let mut senders = 0;
    for campaign in campaigns {
        senders = senders.max(finish(&cluster, campaign).await);
    }
    let times = times(&cluster);

    say(senders);
    let most = most_within(&times, TimeDelta::minutes(1));
    assert_eq!(times.len(), USERS);
    assert!(most <= QUOTA as usize, "{most} messages in a minute of {QUOTA}");
    cluster.end().await;
}

async fn keep_pace(sql: Sql) {
    let cluster = two(sql, |_, settings| settings.set("fan_out.mutations", CHUNK + 1)).await;
    let users = &users(USERS)[..400];
    cluster.api().register(users).await;

    let campaign = start_at(&cluster, 0, users, &json!({"max_per_second": PACE})).await;
    finish(&cluster, campaign).await;
    let times = times(&cluster);

    // What both have saved up comes on top, a quarter of a second of the pace or one each; and what
    // was on its way for longer than others.
    let more = PACE as usize / 4 + 2 + PACE as usize;
    let most = most_within(&times, TimeDelta::seconds(10));
    assert_eq!(times.len(), 400);
    assert!(
        most <= 10 * PACE as usize + more,
        "{most} messages in ten seconds"
    );
    cluster.end().await;
}

/// A campaign to these users, started at that process.
async fn start_at(cluster: &Cluster, no: usize, users: &[String], more: &Value) -> CampaignId {
    let mut plan = json!({
        "name": "a signal",
        "audience_id": cluster.audience(users).await,
        "message": {"default_locale": "en", "texts": {"en": {"title": "A signal", "body": "Lit."}}},
    });
    for (field, value) in more.as_object().unwrap() {
        plan[field] = value.clone();
    }
    let campaign = cluster.draft(&plan).await;
    cluster.api_of(no).turn(campaign, "start").await;
    campaign
}

/// Waits for its end, and gives the most senders that had work at once. How many had is a matter of
/// who hands over what.
async fn finish(cluster: &Cluster, campaign: CampaignId) -> usize {
    let mut most = 0;
    until_within(PATIENCE, "the campaign is finished", async || {
        most = most.max(senders_with_work(cluster).await);
        let progress = cluster.api().progress(campaign).await;
        (progress.state == "finished").then_some(())
    })
    .await;
    cluster.books.settle(campaign, Doubles::None).await;
    most
}

async fn senders_with_work(cluster: &Cluster) -> usize {
    let quotas: Value = cluster.api().get("/v1/quotas").await;
    let quotas = quotas["items"].as_array().unwrap();
    let gateways = quotas.iter().filter(|quota| quota["name"] == "fcm/cluster");
    let shares = gateways.flat_map(|quota| quota["shares"].as_array().unwrap());
    shares.filter(|share| share["fast_demand"] != 0).count()
}

/// When the gateway took each message, earliest first.
fn times(cluster: &Cluster) -> Vec<DateTime<Utc>> {
    let ledger = Reader::open(&cluster.books.ledger).unwrap();
    let mut times: Vec<_> = ledger.map(|entry| entry.unwrap().received_at).collect();
    times.sort_unstable();
    times
}

#[expect(clippy::disallowed_macros, reason = "a test speaks to whoever runs it")]
fn say(senders: usize) {
    eprintln!("{senders} senders had work at once");
}

/// The most messages within any time of that length.
fn most_within(times: &[DateTime<Utc>], length: TimeDelta) -> usize {
    let (mut within, mut most) = (VecDeque::new(), 0);
    for time in times {
        within.push_back(*time);
        while within.front().is_some_and(|first| *first + length <= *time) {
            within.pop_front();
        }
        most = most.max(within.len());
    }
    most
}
