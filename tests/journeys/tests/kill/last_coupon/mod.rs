//! The last coupon: chunks that want more than there is, and senders that are killed over it.
//!
//! Whoever dies has reserved stock, granted some of it, or both, and nobody is told. In the end
//! every coupon is granted, to nobody twice, and each chunk keeps what it granted and no more.

mod cluster;

use std::time::Duration;

use campaign::{CampaignId, CampaignState};
use database::shard::coupon_grant;
use journeys::world::settings::CHUNK;
use journeys::world::view::{AudienceView, CampaignView};
use journeys::world::{Doubles, until_within, users};
use serde_json::json;

use cluster::{Cluster, IN_HAND, Sql};

const USERS: usize = 4_000;

/// Thirty chunks get all they want, one gets three coupons, and nine get none.
const STOCK: u64 = 3_003;

const SENDERS: usize = 3;

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
    fight(Sql::MySql).await;
}

async fn fight(kept_in: Sql) {
    let Some(mut cluster) = Cluster::start(kept_in, SENDERS).await else {
        return;
    };
    cluster.slow_gateway(DELAY).await;
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

async fn start_campaign(cluster: &Cluster) -> CampaignId {
    let (api, users) = (cluster.api(), users(USERS));
    api.register(&users).await;
    let file = format!("user_id\n{}\n", users.join("\n"));
    let audience: AudienceView = api.upload("/v1/audiences?name=everybody", "text/csv", file).await;
    api.until_ready(audience.id).await;
    let plan = json!({
        "name": "the last coupon",
        "audience_id": audience.id,
        "coupon": {"name": "a coupon", "stock": STOCK},
        "message": {"default_locale": "en", "texts": {"en": {"title": "A signal", "body": "Lit."}}},
    });
    let draft: CampaignView = api.post("/v1/campaigns", Some(&plan)).await;
    api.turn(draft.id, "start").await;
    draft.id
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
