//! Users with devices of every kind, and gateways that do not accept who we are.

use std::time::Duration;

use journeys::world::{World, device_of, until, users};
use serde_json::{Value, json};

use crate::stamp::on_all_stores;

on_all_stores! {
    a_push_reaches_every_device_of_its_user_through_its_own_gateway
    an_address_that_has_ended_is_not_sent_to
    a_wrong_address_is_quarantined_until_it_is_registered_again
    a_refused_credential_holds_the_campaign_and_burns_nothing
}

const USER: &str = "user-00000";

/// Gives a user a device.
pub(crate) async fn register(world: &World, user: &str, device: &Value) {
    let path = format!("/v1/users/{user}/devices");
    let _: Value = world.api().post(&path, Some(device)).await;
}

/// The devices of a user, as the API shows them.
pub(crate) async fn devices(world: &World, user: &str) -> Vec<Value> {
    let listed: Value = world.api().get(&format!("/v1/users/{user}/devices")).await;
    listed["items"].as_array().unwrap().clone()
}

/// A device of the sink's for Web Push.
pub(crate) async fn browser(world: &World, name: &str) -> Value {
    let subscription = world.gateway().subscribe(name).await;
    json!({"kind": "web_push", "address": subscription["endpoint"], "extra": subscription["keys"]})
}

/// A device of Apple's.
pub(crate) fn iphone(prefix: &str) -> Value {
    json!({"kind": "apns", "address": format!("{prefix:0<64}"), "extra": {"topic": "com.example.app"}})
}

async fn a_push_reaches_every_device_of_its_user_through_its_own_gateway(world: &World) {
    let audience = world.audience_with_devices(&users(120)).await;
    let browser = browser(world, "b1").await;
    let sandbox = json!({"kind": "apns", "address": "0b".repeat(32), "extra": {"environment": "sandbox"}});
    for device in [
        json!({"kind": "fcm_fid", "address": "fid-1"}),
        iphone("0a"),
        sandbox,
        browser.clone(),
    ] {
        register(world, USER, &device).await;
    }

    let campaign = world.campaign(audience).start().await;

    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 120)]);
    let sent = world.gateway().accepted_for(campaign, USER).into_iter();
    let mut addresses = sent.map(|entry| entry.address).collect::<Vec<_>>();
    let mut expected = [
        device_of(USER),
        "fid-1".to_owned(),
        format!("{:0<64}", "0a"),
        "0b".repeat(32),
        browser["address"].as_str().unwrap().to_owned(),
    ];
    addresses.sort();
    expected.sort();
    assert_eq!(addresses, expected);
}

async fn an_address_that_has_ended_is_not_sent_to(world: &World) {
    let ends = world.clock().now() + Duration::from_secs(60);
    let device = json!({"kind": "fcm_token", "address": "a1", "expires_at": ends});
    register(world, USER, &device).await;
    let audience = world.audience().of(&users(1)).import().await;

    let before = world.campaign(audience).start().await;
    let before = world.finished(before).await;
    world.clock().advance(Duration::from_secs(61));
    let after = world.campaign(audience).start().await;
    let after = world.finished(after).await;

    assert_eq!(before.outcomes(), [("accepted", 1)]);
    assert_eq!(after.outcomes(), [("no_device", 1)]);
}

async fn a_wrong_address_is_quarantined_until_it_is_registered_again(world: &World) {
    let audience = world.audience_with_devices(&users(1)).await;
    let fault = json!({"outcome": "sender_id_mismatch", "share": 1.0});
    world.gateway().play(&json!({"faults": [fault]})).await;

    let wrong = world.campaign(audience).start().await;
    let wrong = world.finished(wrong).await;
    until("it is quarantined", async || {
        let quarantined = !devices(world, USER).await[0]["quarantined_at"].is_null();
        quarantined.then_some(())
    })
    .await;
    world.gateway().behave().await;
    let quarantined = world.campaign(audience).start().await;
    let quarantined = world.finished(quarantined).await;
    world.api().register(&users(1)).await;
    let again = world.campaign(audience).start().await;
    let again = world.finished(again).await;

    assert_eq!(wrong.outcomes(), [("address_wrong", 1)]);
    assert_eq!(quarantined.outcomes(), [("no_device", 1)]);
    assert_eq!(again.outcomes(), [("accepted", 1)]);
}

/// The first refusal pauses the gateway for a quarter of a minute. Meanwhile the chunks come back
/// again and again, and none of that uses up an attempt.
///
/// Time is not advanced: leases would end while messages are under way, and those be sent twice.
async fn a_refused_credential_holds_the_campaign_and_burns_nothing(world: &World) {
    let audience = world.audience_with_devices(&users(150)).await;
    let refusal = json!({"prefix": "device-of-", "status": 403, "body": "{}"});
    world.gateway().play(&json!({"answers": [refusal]})).await;

    let campaign = world.campaign(audience).start().await;
    until("messages are refused", async || {
        (world.gateway().counts().await.requests > 0).then_some(())
    })
    .await;
    world.gateway().behave().await;

    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 150)]);
    let chunks = world.push_store().list_chunks(campaign, &[0, 1]).await.unwrap();
    assert!(chunks.iter().all(|chunk| chunk.attempts == 0), "{chunks:?}");
}
