//! Pause and cancel across processes: one is asked, the other expands and delivers, and beside it
//! another campaign goes on.

use std::collections::HashSet;
use std::time::Duration;

use campaign::{CampaignId, PushId};
use chrono::{DateTime, Utc};
use journeys::cluster::{Cluster, PATIENCE, Sql};
use journeys::world::{Doubles, Settings, until_within, users};
use runtime::Clock;
use serde_json::json;

use crate::{draft, expanded, two};

/// Recipients of the campaign that is to be stopped, and of a chunk of it.
const USERS: usize = 8_000;
const CHUNK: u32 = 20;
const CHUNKS: u32 = USERS as u32 / CHUNK;

/// Recipients of the campaign that goes on.
const OTHERS: usize = 24_000;

/// Commits that the process has under way: what has begun may still come to its end.
const IN_FLIGHT: u32 = 1;

/// The process that works, and the one that is asked.
const AT_WORK: usize = 0;
const ASKED: usize = 1;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_at_one_process_holds_for_the_other_within_a_second() {
    pause(Sql::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_at_one_process_holds_for_the_other_within_a_second_on_mysql() {
    if let Some(server) = Sql::named() {
        pause(server).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_at_one_process_holds_for_the_other_within_a_second() {
    cancel(Sql::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_at_one_process_holds_for_the_other_within_a_second_on_mysql() {
    if let Some(server) = Sql::named() {
        cancel(server).await;
    }
}

async fn pause(sql: Sql) {
    let cluster = two(sql, settings).await;
    let campaign = under_way(&cluster).await;

    let answered_at = ask(&cluster, campaign, "pause").await;
    stands_still(&cluster, campaign).await;
    let handed_over = handed_over_since(&cluster, campaign, answered_at);
    cluster.gateway().behave().await;
    cluster.api_of(ASKED).turn(campaign, "resume").await;

    assert_eq!(handed_over, 0);
    until_within(PATIENCE, "the campaign is finished", async || {
        let progress = cluster.api().progress(campaign).await;
        (progress.state == "finished").then_some(())
    })
    .await;
    cluster.books.settle(campaign, Doubles::None).await;
    cluster.end().await;
}

async fn cancel(sql: Sql) {
    let cluster = two(sql, settings).await;
    let campaign = under_way(&cluster).await;

    let answered_at = ask(&cluster, campaign, "cancel").await;
    stands_still(&cluster, campaign).await;

    assert_eq!(handed_over_since(&cluster, campaign, answered_at), 0);
    cluster.gateway().behave().await;
    cluster.books.settle(campaign, Doubles::None).await;
    cluster.end().await;
}

/// The process that is asked does nothing else.
fn settings(no: usize, settings: Settings) -> Settings {
    let settings = settings
        .quick()
        .set("fan_out.mutations", i64::from(CHUNK + 1))
        .set("fan_out.in_flight", i64::from(IN_FLIGHT));
    match no {
        ASKED => settings
            .set("import.interval", "1h")
            .set("fan_out.interval", "1h")
            .set("dispatch.interval", "1h"),
        _ => settings,
    }
}

/// A campaign that is being expanded and delivered, beside another that was begun before.
async fn under_way(cluster: &Cluster) -> CampaignId {
    cluster.gateway().play(&json!({"delay": {"fixed_ms": 300}})).await;
    let users = users(OTHERS);
    let api = cluster.api_of(AT_WORK);
    api.register(&users).await;
    let others = cluster.audience(&users).await;
    let audience = cluster.audience(&users[..USERS]).await;
    let other = draft(cluster, others, None).await;
    api.turn(other, "start").await;
    let mut mail = cluster.mail();
    until_within(PATIENCE, "the other campaign is being delivered", async || {
        mail.more().next()
    })
    .await;

    let campaign = draft(cluster, audience, None).await;
    api.turn(campaign, "start").await;
    let pushes = pushes(campaign);
    until_within(PATIENCE, "the campaign is being delivered", async || {
        mail.more().find(|entry| pushes.contains(&entry.push_id))
    })
    .await;
    campaign
}

/// Asks for the transition, and says when it was answered. After the answer, and a second after the
/// request, no chunk of the campaign begins any more. How long the answer takes is no test's to
/// tell, on a machine that others load: `bench lanes` does.
async fn ask(cluster: &Cluster, campaign: CampaignId, transition: &str) -> DateTime<Utc> {
    let clock = Clock::system();
    let in_time = clock.now() + SECOND;
    cluster.api_of(ASKED).turn(campaign, transition).await;
    let answered_at = clock.now();

    until_within(PATIENCE, "a second is over", async || {
        (clock.now() >= in_time).then_some(())
    })
    .await;
    answered_at
}

/// While the other campaign goes on, nothing more of this one is expanded.
async fn stands_still(cluster: &Cluster, campaign: CampaignId) {
    let before = expanded(cluster, campaign, CHUNKS).await;
    let mut mail = cluster.mail();
    let mut of_the_other = 0;
    until_within(PATIENCE, "the other campaign goes on", async || {
        of_the_other += mail.more().count();
        (of_the_other > 300).then_some(())
    })
    .await;
    let after = expanded(cluster, campaign, CHUNKS).await;

    assert!(
        after <= before + IN_FLIGHT,
        "{} more are expanded",
        after - before
    );
    assert!(after < CHUNKS, "it came too late to prove anything");
}

/// Messages of the campaign that reached the gateway after that.
fn handed_over_since(cluster: &Cluster, campaign: CampaignId, answered_at: DateTime<Utc>) -> usize {
    let pushes = pushes(campaign);
    let accepted = cluster.gateway().accepted().into_iter();
    accepted
        .filter(|entry| entry.received_at > answered_at && pushes.contains(&entry.push_id))
        .count()
}

fn pushes(campaign: CampaignId) -> HashSet<String> {
    let pushes = users(USERS).into_iter();
    pushes
        .map(|user| PushId::of(campaign, &user).to_string())
        .collect()
}
