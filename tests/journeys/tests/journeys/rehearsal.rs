//! Test sends: a campaign's message to some users, beside the campaign.

use journeys::world::{World, device_of, users};
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
