//! Pause, cancel and stop: nothing is handed over after the answer. How soon it comes is measured
//! by `bench lanes`, on a machine that has nothing else to do.

use campaign::{CampaignId, ChunkState};
use chrono::{DateTime, Utc};
use journeys::world::{World, until, users};
use serde_json::json;

use crate::stamp::on_all_stores;

on_all_stores! {
    a_paused_campaign_sends_nothing_until_it_is_resumed
    a_cancelled_campaign_sends_nothing_more
    a_global_stop_holds_everything_until_it_is_lifted
}

/// Recipients: more than a slow gateway takes until a pause is answered.
const USERS: usize = 800;

async fn a_paused_campaign_sends_nothing_until_it_is_resumed(world: &World) {
    let campaign = under_way(world).await;

    world.api().turn(campaign, "pause").await;
    let answered_at = world.clock().now();
    at_rest(world, campaign).await;
    let left = unsettled(world, campaign).await;
    let resumed_at = world.clock().now();
    world.api().turn(campaign, "resume").await;

    assert!(left > 0, "the pause came too late to prove anything");
    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", USERS as u64)]);
    assert_eq!(handed_over(world, answered_at, resumed_at), 0);
}

async fn a_cancelled_campaign_sends_nothing_more(world: &World) {
    let campaign = under_way(world).await;

    world.api().turn(campaign, "cancel").await;
    let answered_at = world.clock().now();
    // Its chunks are closed at once, with senders still in the middle of them.
    world.tasks().are_answered().await;

    let progress = world
        .until(campaign, "the totals are up to date", |progress| {
            progress.count("sent") == world.gateway().accepted().len() as u64
        })
        .await;
    assert_eq!(progress.state, "cancelled");
    assert!(progress.count("cancelled") > 0, "{progress:?}");
    assert_eq!(progress.tally.values().sum::<u64>(), USERS as u64);
    let now = world.clock().now();
    assert_eq!(handed_over(world, answered_at, now), 0);
}

async fn a_global_stop_holds_everything_until_it_is_lifted(world: &World) {
    let campaign = under_way(world).await;

    world.stop_all().await;
    let answered_at = world.clock().now();
    settled(world, campaign).await;
    let left = unsettled(world, campaign).await;
    let lifted_at = world.clock().now();
    world.go_on().await;

    assert!(left > 0, "the stop came too late to prove anything");
    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", USERS as u64)]);
    assert_eq!(handed_over(world, answered_at, lifted_at), 0);
}

/// A campaign of which all coupons are granted, and the first messages taken by a slow gateway.
async fn under_way(world: &World) -> CampaignId {
    let audience = world.audience_with_devices(&users(USERS)).await;
    world.gateway().play(&json!({"delay": {"fixed_ms": 800}})).await;
    let campaign = world.campaign(audience).coupon(None).start().await;
    world
        .until(campaign, "all coupons are granted", |progress| {
            progress.grants == USERS as u64
        })
        .await;
    until("the gateway has taken some", async || {
        (!world.gateway().accepted().is_empty()).then_some(())
    })
    .await;
    campaign
}

/// Waits until no chunk is with the queue or a sender: what was handed over is settled.
async fn at_rest(world: &World, campaign: CampaignId) {
    let numbers = (0..8).collect::<Vec<_>>();
    until("every chunk is put back or closed", async || {
        let found = world.push_store().list_chunks(campaign, &numbers).await.unwrap();
        let busy = |state| matches!(state, ChunkState::Queued | ChunkState::Leased);
        let busy = found.iter().filter(|chunk| busy(chunk.record.state));
        (busy.count() == 0).then_some(())
    })
    .await;
}

/// Waits until everything that the gateway has taken is settled. Chunks come and go meanwhile:
/// what is stopped is handed to the queue and put back.
async fn settled(world: &World, campaign: CampaignId) {
    until("everything that was taken is settled", async || {
        let sent = USERS as u64 - unsettled(world, campaign).await;
        (sent == world.gateway().accepted().len() as u64).then_some(())
    })
    .await;
}

/// Pushes that are not final, counted in Datastore.
async fn unsettled(world: &World, campaign: CampaignId) -> u64 {
    let numbers = (0..8).collect::<Vec<_>>();
    let found = world.push_store().list_chunks(campaign, &numbers).await.unwrap();
    let unexpanded = USERS as u64 - found.iter().map(|chunk| u64::from(chunk.size)).sum::<u64>();
    let open = found
        .iter()
        .map(|chunk| chunk.tally.pending + chunk.tally.granted);
    unexpanded + open.sum::<u64>()
}

/// Messages that reached the gateway between the two instants.
fn handed_over(world: &World, after: DateTime<Utc>, before: DateTime<Utc>) -> usize {
    let accepted = world.gateway().accepted().into_iter();
    accepted
        .filter(|entry| after < entry.received_at && entry.received_at < before)
        .count()
}
