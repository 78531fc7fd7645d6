//! Coupons: to whom they go, and how many there are.

use journeys::world::{World, users};

use crate::stamp::on_all_stores;

on_all_stores! {
    a_stock_that_is_too_small_is_granted_to_the_last_coupon
    a_coupon_for_everybody_is_granted_to_who_has_no_device
    a_coupon_for_the_reachable_is_not
}

async fn a_stock_that_is_too_small_is_granted_to_the_last_coupon(world: &World) {
    let audience = world.audience_with_devices(&users(250)).await;

    let campaign = world.campaign(audience).coupon(120).start().await;

    let progress = world.finished(campaign).await;
    assert_eq!(
        progress.outcomes(),
        [("accepted", 120), ("coupon_exhausted", 130)]
    );
    assert_eq!(progress.grants, 120);
}

async fn a_coupon_for_everybody_is_granted_to_who_has_no_device(world: &World) {
    let users = users(150);
    world.api().register(&users[..90]).await;
    let audience = world.audience().of(&users).import().await;

    let campaign = world.campaign(audience).coupon(None).start().await;

    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 90), ("no_device", 60)]);
    assert_eq!(progress.grants, 150);
}

async fn a_coupon_for_the_reachable_is_not(world: &World) {
    let users = users(150);
    world.api().register(&users[..90]).await;
    let audience = world.audience().of(&users).import().await;

    let campaign = world.campaign(audience).coupon(None).coupon_for_reachable();
    let campaign = campaign.start().await;

    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 90), ("no_device", 60)]);
    assert_eq!(progress.grants, 90);
}
