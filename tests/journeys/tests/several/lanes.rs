//! A small campaign beside a large one of the bulk lane: it does not wait until that is through.
//!
//! What is asserted is no time but an order: how much of the large campaign goes ahead of the
//! small one's end. That is the work that the small one waits for, on a machine of any speed. The
//! large one has more than 100,000 recipients, which makes it bulk; that it goes on all the time is
//! asserted as well, so ten times as many would show nothing more. `bench lanes` measures the times
//! beside a million.

use std::time::Duration;

use campaign::AudienceId;
use chrono::TimeDelta;
use journeys::cluster::{Cluster, Delivered, PATIENCE, Sql};
use journeys::world::{until_within, users};
use runtime::Clock;
use serde_json::json;

use crate::{draft, expanded, two};

const LARGE: usize = 110_000;
const SMALL: usize = 1_000;

/// Small campaigns, alone and beside the large one.
const ROUNDS: usize = 3;

/// Streams to the gateway of one process.
const STREAMS: usize = 100;

/// What a message takes: so long that streams are what is short, and not processors.
const DELAY: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_campaign_is_delivered_beside_a_large_one() {
    deliver_beside(Sql::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_campaign_is_delivered_beside_a_large_one_on_mysql() {
    if let Some(server) = Sql::named() {
        deliver_beside(server).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_campaign_is_delivered_while_a_large_one_is_expanded() {
    expand_beside(Sql::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_campaign_is_delivered_while_a_large_one_is_expanded_on_mysql() {
    if let Some(server) = Sql::named() {
        expand_beside(server).await;
    }
}

/// Messages of the large campaign that are sent from the small one's start to its end: about twice
/// as many as the small one has, and fewer than wait for a stream (of each process 16 chunks of 499)
/// or are in the queue (200 chunks).
const AHEAD: usize = 4_000;

async fn deliver_beside(sql: Sql) {
    let cluster = two(sql, |_, settings| settings.set("provider.fcm.connections", 1)).await;
    let delay = json!({"delay": {"fixed_ms": DELAY.as_millis() as u64}});
    cluster.gateway().play(&delay).await;
    let users = users(LARGE);
    cluster.api().register(&users).await;
    let (all, few) = (cluster.audience(&users).await, &users[..SMALL]);
    let of_few = cluster.audience(few).await;
    let alone = deliver_each(&cluster, of_few, few).await;

    let large = draft(&cluster, all, None).await;
    let mut mail = cluster.mail();
    cluster.api().turn(large, "start").await;
    let mut sent = 0;
    until_within(PATIENCE, "every stream is in use", async || {
        sent += mail.more().count();
        (sent > 10 * STREAMS).then_some(())
    })
    .await;
    let beside = deliver_each(&cluster, of_few, few).await;

    let progress = cluster.api().progress(large).await;
    let ahead: Vec<_> = beside.iter().map(|delivered| delivered.others).collect();
    say("delivered", &alone, &beside, &format!("{ahead:?} messages"));
    assert_eq!(progress.state, "running", "it was over too soon: {progress:?}");
    for ahead in ahead {
        assert!(ahead > 0, "the large one stood still");
        assert!(ahead < AHEAD, "{ahead} messages were ahead");
    }
    cluster.api().turn(large, "cancel").await;
    cluster.end().await;
}

/// Recipients of a chunk where campaigns are expanded: few, so that the large one has many.
const CHUNK: u32 = 20;

/// Chunks of the large campaign that are expanded from the small one's start to its end: as many as
/// there are in a few stripes.
const CHUNKS_AHEAD: u32 = 1_500;

async fn expand_beside(sql: Sql) {
    let cluster = two(sql, |_, settings| {
        settings
            .set("fan_out.mutations", i64::from(CHUNK + 1))
            .set("fan_out.in_flight", 4)
    })
    .await;
    let users = users(LARGE);
    let (all, few) = (cluster.audience(&users).await, &users[..SMALL]);
    cluster.api().register(few).await;
    let of_few = cluster.audience(few).await;
    let chunks = (LARGE as u32).div_ceil(CHUNK);
    let alone = deliver_each(&cluster, of_few, few).await;

    let in_an_hour = Clock::system().now() + TimeDelta::hours(1);
    let large = draft(&cluster, all, Some(in_an_hour)).await;
    cluster.api().turn(large, "start").await;
    until_within(PATIENCE, "it is being expanded", async || {
        (expanded(&cluster, large, chunks).await > 64).then_some(())
    })
    .await;
    let mut ahead = Vec::new();
    let mut beside = Vec::new();
    for _ in 0..ROUNDS {
        let before = expanded(&cluster, large, chunks).await;
        let draft = draft(&cluster, of_few, None).await;
        beside.push(cluster.deliver(draft, few).await);
        ahead.push(expanded(&cluster, large, chunks).await - before);
    }

    let in_the_end = expanded(&cluster, large, chunks).await;
    say("expanded", &alone, &beside, &format!("{ahead:?} chunks"));
    assert!(in_the_end < chunks, "it was over too soon");
    for ahead in ahead {
        assert!(ahead > 0, "the large one stood still");
        assert!(ahead < CHUNKS_AHEAD, "{ahead} chunks were ahead");
    }
    cluster.api().turn(large, "cancel").await;
    cluster.end().await;
}

async fn deliver_each(cluster: &Cluster, audience: AudienceId, users: &[String]) -> Vec<Delivered> {
    let mut delivered = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let draft = draft(cluster, audience, None).await;
        delivered.push(cluster.deliver(draft, users).await);
    }
    delivered
}

#[expect(clippy::disallowed_macros, reason = "a test speaks to whoever runs it")]
fn say(is_what: &str, alone: &[Delivered], beside: &[Delivered], ahead: &str) {
    let millis = |delivered: &[Delivered]| {
        let mut took: Vec<_> = delivered.iter().map(|delivered| delivered.took).collect();
        took.sort_unstable();
        took[took.len() / 2].as_millis()
    };
    eprintln!(
        "alone {} ms, while a large campaign is {is_what} {} ms, and {ahead} of it go ahead",
        millis(alone),
        millis(beside),
    );
}
