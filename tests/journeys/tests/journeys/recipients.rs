//! Recipients who are not to be reached, or cannot be.

use journeys::world::{World, users};
use serde_json::{Value, json};

use crate::stamp::on_all_stores;

on_all_stores! {
    who_opted_out_or_was_erased_gets_neither_push_nor_coupon
    an_address_that_is_gone_fails_its_push_and_is_forgotten
}

async fn who_opted_out_or_was_erased_gets_neither_push_nor_coupon(world: &World) {
    let users = users(150);
    let audience = world.audience_with_devices(&users).await;
    world.opt_out(&users[3]).await;
    world.opt_out(&users[120]).await;
    world.erase(&users[7]).await;

    let campaign = world.campaign(audience).coupon(None).start().await;

    let progress = world.finished(campaign).await;
    assert_eq!(
        progress.outcomes(),
        [("accepted", 147), ("erased", 1), ("opted_out", 2)]
    );
    assert_eq!(progress.grants, 147);
}

async fn an_address_that_is_gone_fails_its_push_and_is_forgotten(world: &World) {
    let audience = world.audience_with_devices(&users(150)).await;
    let ten_of_them = "device-of-user-0000";
    world
        .gateway()
        .play(&json!({"dead_prefixes": [ten_of_them]}))
        .await;

    let campaign = world.campaign(audience).start().await;

    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 140), ("unregistered", 10)]);
    assert_eq!(devices(world, "user-00009").await, 0);
    assert_eq!(devices(world, "user-00010").await, 1);
}

async fn devices(world: &World, user: &str) -> usize {
    let page: Value = world.api().get(&format!("/v1/users/{user}/devices")).await;
    page["items"].as_array().unwrap().len()
}
