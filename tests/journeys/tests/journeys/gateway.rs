//! A gateway that makes trouble, and pushes that come too late because of it.

use std::time::Duration;

use campaign::{CampaignId, ChunkState};
use emulator::sink::Outcome;
use journeys::world::{World, until, users};
use serde_json::{Value, json};

use crate::stamp::on_all_stores;

on_all_stores! {
    a_throttled_push_is_sent_when_the_gateway_allows_it
    a_gateway_that_gets_too_much_is_given_less_until_it_has_recovered
    an_unreachable_gateway_is_tried_again_until_it_answers
    a_message_whose_answer_was_lost_is_shown_once
    what_is_too_late_is_not_sent
}

async fn a_throttled_push_is_sent_when_the_gateway_allows_it(world: &World) {
    let audience = world.audience_with_devices(&users(150)).await;
    let fault = json!({"outcome": "quota_exceeded", "share": 1.0, "first": 1, "retry_after_ms": 90_000});
    world.gateway().play(&json!({"faults": [fault]})).await;
    let started_at = world.clock().now();

    let campaign = world.campaign(audience).coupon(None).start().await;
    put_off(world, campaign, 2).await;
    assert_eq!(world.gateway().accepted(), []);
    world.clock().advance(Duration::from_secs(95));

    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 150)]);
    assert_eq!(struck(world, Outcome::QuotaExceeded).await, 150);
    let allowed_at = started_at + Duration::from_secs(90);
    let sent = world.gateway().accepted();
    assert!(sent.iter().all(|entry| entry.received_at >= allowed_at));
}

async fn a_gateway_that_gets_too_much_is_given_less_until_it_has_recovered(world: &World) {
    let audience = world.audience_with_devices(&users(150)).await;
    let fault = json!({"outcome": "quota_exceeded", "share": 1.0, "first": 1, "retry_after_ms": 90_000});
    world.gateway().play(&json!({"faults": [fault]})).await;

    let campaign = world.campaign(audience).start().await;
    let less = until("it is given less", async || {
        let (quota, allowed) = quota(world).await;
        (allowed < quota).then_some((quota, allowed))
    })
    .await;
    world.clock().advance(Duration::from_secs(95));
    world.finished(campaign).await;
    world.clock().advance(Duration::from_secs(60));
    let recovered = quota(world).await;

    assert_eq!(less.0, 600_000);
    assert!(less.1 <= 300_000, "{less:?}");
    assert_eq!(recovered, (600_000, 600_000));
}

/// Messages a minute of the gateway's quota, and those that are allowed now.
async fn quota(world: &World) -> (u64, u64) {
    let quotas: Value = world.api().get("/v1/quotas").await;
    let figure = |name: &str| quotas["items"][0][name].as_u64().unwrap();
    (figure("per_minute"), figure("allowed_per_minute"))
}

async fn an_unreachable_gateway_is_tried_again_until_it_answers(world: &World) {
    let audience = world.audience_with_devices(&users(150)).await;
    let fault = json!({"outcome": "unavailable", "share": 1.0, "first": 2});
    world.gateway().play(&json!({"faults": [fault]})).await;

    let campaign = world.campaign(audience).coupon(None).start().await;

    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 150)]);
    assert_eq!(progress.grants, 150);
    assert_eq!(struck(world, Outcome::Unavailable).await, 300);
}

/// The gateway took it and nobody learnt of that, so it is sent again. The balance sees to it
/// that both have one collapse id.
async fn a_message_whose_answer_was_lost_is_shown_once(world: &World) {
    let audience = world.audience_with_devices(&users(1)).await;
    let fault = json!({"outcome": "reset_after_accept", "share": 1.0, "first": 1});
    world.gateway().play(&json!({"faults": [fault]})).await;
    world.allow_doubles(1);

    let campaign = world.campaign(audience).start().await;

    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 1)]);
    assert_eq!(world.gateway().accepted_for(campaign, "user-00000").len(), 2);
}

async fn what_is_too_late_is_not_sent(world: &World) {
    let audience = world.audience_with_devices(&users(150)).await;
    world.stop_all().await;
    let campaign = world.campaign(audience).coupon(None).expires_after(30);

    let campaign = campaign.start().await;
    let all = |expanded| expanded == 150;
    world
        .until(campaign, "all are expanded", |progress| all(progress.expanded))
        .await;
    world.clock().advance(Duration::from_secs(31));
    world.go_on().await;

    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("past_expiry", 150)]);
    assert_eq!((progress.grants, world.gateway().accepted()), (0, Vec::new()));
}

/// Waits until each of the campaign's chunks was tried once and waits to be tried again.
async fn put_off(world: &World, campaign: CampaignId, chunks: u32) {
    let numbers = (0..chunks).collect::<Vec<_>>();
    until("every chunk is put off", async || {
        let found = world.push_store().list_chunks(campaign, &numbers).await.unwrap();
        let waiting = found
            .iter()
            .filter(|chunk| chunk.attempts == 1 && chunk.record.state == ChunkState::Waiting);
        (waiting.count() == numbers.len()).then_some(())
    })
    .await;
}

async fn struck(world: &World, outcome: Outcome) -> u64 {
    world.gateway().counts().await.faults[&outcome]
}
