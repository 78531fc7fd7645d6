//! The last coupon: chunks that want more than there is, and senders that are killed over it.
//!
//! Whoever dies has reserved stock, granted some of it, or both, and nobody is told. In the end
//! every coupon is granted, to nobody twice, and each chunk keeps what it granted and no more.

use std::process::Command;
use std::time::Duration;

use campaign::{CampaignId, CampaignState};
use database::shard::coupon_grant;
use journeys::binaries::binary;
use journeys::cluster::{Cluster, Plan, Sql};
use journeys::world::settings::{CHUNK, Settings};
use journeys::world::{Doubles, until_within, users};
use serde_json::json;

const USERS: usize = 4_000;

/// Thirty chunks get all they want, one gets three coupons, and nine get none.
const STOCK: u64 = 3_003;

const SENDERS: usize = 3;

/// Chunks that one sender has in hand at once.
const IN_HAND: usize = 2;

/// One for each so many coupons that are granted.
const KILLS: u64 = 5;

/// What a message takes: so long a chunk is in hand, of those that get coupons.
const DELAY: Duration = Duration::from_millis(500);

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_coupon_is_granted_once_on_sqlite() {
    fight(Sql::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_coupon_is_granted_once_on_mysql() {
    if let Some(server) = Sql::named() {
        fight(server).await;
    }
}

async fn fight(sql: Sql) {
    let noroshi = binary("noroshi");
    let plan = Plan {
        sql,
        members: SENDERS,
        tasks_at_once: u16::try_from(SENDERS * IN_HAND).unwrap(),
        noroshi: Box::new(move || Command::new(&noroshi)),
        settings: Box::new(|_, settings| quick(settings)),
    };
    let mut cluster = Cluster::start(plan).await;
    let delay = json!({"delay": {"fixed_ms": DELAY.as_millis() as u64}});
    cluster.gateway().play(&delay).await;
    let campaign = start_campaign(&cluster).await;

    for kill in 0..KILLS {
        let granted = until_granted(&cluster, campaign, STOCK * (kill + 1) / (KILLS + 1)).await;
        assert!(granted < STOCK, "all coupons were granted before kill {kill}");
        cluster.kill(kill as usize).await;
    }
    until_finished(&cluster, campaign).await;

    let in_hand = KILLS as usize * IN_HAND * CHUNK;
    let facts = cluster.books.settle(campaign, Doubles::AtMost(in_hand)).await;
    assert_eq!(facts.grants.len() as u64, STOCK);
    for (reservation, grants) in facts.reservations.iter().zip(&facts.chunk_grants) {
        let kept = reservation.amount - reservation.returned.unwrap_or_default();
        assert_eq!(kept, grants.used, "chunk {}", reservation.chunk_no);
    }
    cluster.end().await;
}

/// Leases of seconds, so that what a dead sender held is soon another's.
fn quick(settings: Settings) -> Settings {
    settings
        .quick()
        .set("queue.deadline", "15s")
        .set("provider.fcm.timeout", "2s")
        .set("provider.apns.timeout", "2s")
        .set("provider.web_push.timeout", "2s")
        .set("sender.settle_margin", "500ms")
        .set("sender.budget", "3s")
        .set("sender.lease", "5s")
        .set("sender.skew", "200ms")
        .set("sender.concurrency", i64::try_from(IN_HAND).unwrap())
        .set("dispatch.in_queue", 6)
        .set("dispatch.pick_up", "20s")
        .set("dispatch.pick_up_max", "60s")
        .set("reconcile.min_age", "500ms")
}

async fn start_campaign(cluster: &Cluster) -> CampaignId {
    let users = users(USERS);
    cluster.api().register(&users).await;
    let audience = cluster.audience(&users).await;
    let plan = json!({
        "name": "the last coupon",
        "audience_id": audience,
        "coupon": {"name": "a coupon", "stock": STOCK},
        "message": {"default_locale": "en", "texts": {"en": {"title": "A signal", "body": "Lit."}}},
    });
    let draft = cluster.draft(&plan).await;
    cluster.api().turn(draft, "start").await;
    draft
}

/// Waits until so many coupons are granted, and says how many are.
async fn until_granted(cluster: &Cluster, campaign: CampaignId, coupons: u64) -> u64 {
    until_within(PATIENCE, "coupons are granted", async || {
        let granted = coupon_grant::count(&cluster.books.db, campaign).await.unwrap();
        (granted >= coupons).then_some(granted)
    })
    .await
}

async fn until_finished(cluster: &Cluster, campaign: CampaignId) {
    until_within(PATIENCE, "the campaign is finished", async || {
        let found = database::campaign::find(&cluster.books.db, campaign).await;
        (found.unwrap().unwrap().state == CampaignState::Finished).then_some(())
    })
    .await;
}
