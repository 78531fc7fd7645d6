//! Test sends: a campaign's message to some users, beside the campaign.

use std::time::Duration;

use journeys::world::{Stores, World, device_of, until, users};
use serde_json::{Value, json};

use crate::stamp::on_all_stores;

on_all_stores! {
    a_test_reaches_its_users_and_leaves_the_campaign_alone
    a_dry_run_is_checked_and_delivers_nothing
}

async fn a_test_reaches_its_users_and_leaves_the_campaign_alone(world: &World) {
    let audience = world.audience_with_devices(&users(3)).await;
    world.opt_out("user-00001").await;
    let campaign = world.campaign(audience).draft().await;
    let test = json!({"user_ids": ["user-00000", "user-00001", "stranger"]});

    let path = format!("/v1/campaigns/{campaign}/test");
    let tested: Value = world.api().post(&path, Some(&test)).await;
    world.api().turn(campaign, "start").await;
    let finished = world.finished(campaign).await;

    let outcomes: Vec<_> = tested["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["outcome"])
        .collect();
    assert_eq!(outcomes, ["accepted", "opted_out", "no_device"]);
    assert_eq!(finished.outcomes(), [("accepted", 2), ("opted_out", 1)]);
    let accepted = world.gateway().accepted();
    assert_eq!(accepted.len(), 3);
    assert_eq!(accepted[0].address, device_of("user-00000"));
}

async fn a_dry_run_is_checked_and_delivers_nothing(world: &World) {
    let fault = json!({"outcome": "bad_request", "share": 1.0});
    let audience = world.audience_with_devices(&users(1)).await;
    let campaign = world.campaign(audience).draft().await;
    let path = format!("/v1/campaigns/{campaign}/test");
    let test = json!({"user_ids": ["user-00000"], "validate_only": true});

    let good: Value = world.api().post(&path, Some(&test)).await;
    world.gateway().play(&json!({"faults": [fault]})).await;
    let bad: Value = world.api().post(&path, Some(&test)).await;
    world.stop_all().await;
    let stopped: Value = world.api().post(&path, Some(&test)).await;
    world.go_on().await;

    let outcomes = [&good, &bad, &stopped].map(|tested| tested["items"][0]["outcome"].clone());
    assert_eq!(outcomes, ["accepted", "payload_wrong", "stopped"]);
    assert_eq!(world.gateway().accepted(), []);
}

/// Of one message a minute a test would get its first after that minute, and waits for ten seconds.
#[tokio::test]
async fn a_test_that_finds_no_place_in_the_quota_sends_nothing() {
    let settings = |settings: journeys::world::Settings| settings.set("provider.fcm.messages_per_minute", 1);
    let world = World::start_with(Stores::Optimistic, settings).await.unwrap();
    let audience = world.audience_with_devices(&users(2)).await;
    let campaign = world.campaign(audience).draft().await;
    let path = format!("/v1/campaigns/{campaign}/test");
    let test = json!({"user_ids": ["user-00000", "user-00001"]});

    let tested = async { world.api().post::<Value>(&path, Some(&test)).await };
    let asked_for = until("the test has its share", async || {
        let quotas: Value = world.api().get("/v1/quotas").await;
        let shares = quotas["items"][0]["shares"].as_array()?.clone();
        let all = shares.iter().filter_map(|share| share["per_minute"].as_u64());
        (all.sum::<u64>() == 1).then(|| world.clock().advance(Duration::from_secs(11)))
    });
    let (tested, ()) = tokio::join!(tested, asked_for);

    let outcomes: Vec<_> = tested["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["not_tried", "not_tried"]);
    assert_eq!(world.gateway().accepted(), []);
    world.end().await;
}
