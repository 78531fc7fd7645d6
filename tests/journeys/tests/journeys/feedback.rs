//! Addresses that a gateway calls gone or wrong: told to whoever wants to know.

use std::time::Duration;

use journeys::world::{World, device_of, until, users};
use serde_json::{Value, json};

use crate::stamp::on_all_stores;

on_all_stores! {
    a_gone_address_is_removed_and_can_be_pulled
    a_wrong_address_is_quarantined_and_can_be_pulled
    an_erased_user_leaves_no_feedback
}

async fn lose_a_device(world: &World) {
    let dead = json!({"dead_prefixes": [device_of("user-00000")]});
    world.gateway().play(&dead).await;
    let audience = world.audience_with_devices(&users(3)).await;
    let campaign = world.campaign(audience).start().await;
    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 2), ("unregistered", 1)]);
}

async fn feedback(world: &World) -> Vec<Value> {
    let page: Value = world.api().get("/v1/feedback").await;
    page["items"].as_array().unwrap().clone()
}

async fn a_gone_address_is_removed_and_can_be_pulled(world: &World) {
    lose_a_device(world).await;
    let at_once = feedback(world).await;
    world.clock().advance(Duration::from_secs(60));

    let told = until("it is listed", async || {
        let told = feedback(world).await;
        (!told.is_empty()).then_some(told)
    })
    .await;

    let devices: Value = world.api().get("/v1/users/user-00000/devices").await;
    assert_eq!((at_once.len(), told.len()), (0, 1));
    assert_eq!(
        [
            &told[0]["fate"],
            &told[0]["user_id"],
            &told[0]["kind"],
            &told[0]["address"]
        ],
        [
            "gone",
            "user-00000",
            "fcm_token",
            device_of("user-00000").as_str()
        ]
    );
    assert_eq!(devices["items"], json!([]));
}

async fn a_wrong_address_is_quarantined_and_can_be_pulled(world: &World) {
    let details = json!([{
        "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
        "errorCode": "SENDER_ID_MISMATCH",
    }]);
    let body = json!({"error": {"code": 403, "details": details}}).to_string();
    let wrong = json!({"prefix": device_of("user-00000"), "status": 403, "body": body});
    world.gateway().play(&json!({"answers": [wrong]})).await;
    let audience = world.audience_with_devices(&users(3)).await;
    let campaign = world.campaign(audience).start().await;
    world.finished(campaign).await;
    world.clock().advance(Duration::from_secs(60));

    let told = until("it is listed", async || {
        let told = feedback(world).await;
        (!told.is_empty()).then_some(told)
    })
    .await;

    let devices: Value = world.api().get("/v1/users/user-00000/devices").await;
    assert_eq!(told.len(), 1);
    assert_eq!([&told[0]["fate"], &told[0]["user_id"]], ["wrong", "user-00000"]);
    assert!(devices["items"][0]["quarantined_at"].is_string(), "{devices}");
}

async fn an_erased_user_leaves_no_feedback(world: &World) {
    lose_a_device(world).await;
    world.clock().advance(Duration::from_secs(60));
    until("it is listed", async || {
        (feedback(world).await.len() == 1).then_some(())
    })
    .await;

    world.erase("user-00000").await;

    until("nothing is listed", async || {
        feedback(world).await.is_empty().then_some(())
    })
    .await;
}
