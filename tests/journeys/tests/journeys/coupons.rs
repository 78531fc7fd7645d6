//! Coupons: to whom they go, and how many there are.

use campaign::{ChunkId, ChunkState};
use database::sql;
use journeys::refusal;
use journeys::world::{World, until, users};

use crate::stamp::on_all_stores;

on_all_stores! {
    a_stock_that_is_too_small_is_granted_to_the_last_coupon
    a_coupon_for_everybody_is_granted_to_who_has_no_device
    a_coupon_for_the_reachable_is_not
    a_user_whom_sql_refuses_keeps_nobody_else_from_the_coupon
    a_rule_that_refuses_everybody_fails_nobody
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

async fn a_user_whom_sql_refuses_keeps_nobody_else_from_the_coupon(world: &World) {
    let refuse = match world.sql_wire() {
        Some(_) => refusal::ON_MYSQL,
        None => refusal::ON_SQLITE,
    };
    rule(world, refuse).await;
    let users = users(150);
    assert!(users.iter().any(|user| user == refusal::USER));
    let audience = world.audience_with_devices(&users).await;

    let campaign = world.campaign(audience).coupon(None).start().await;

    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 149), ("grant_refused", 1)]);
    assert_eq!(progress.grants, 149);
}

async fn a_rule_that_refuses_everybody_fails_nobody(world: &World) {
    let [begin, end] = match world.sql_wire() {
        Some(_) => refusal::EVERYBODY_ON_MYSQL,
        None => refusal::EVERYBODY_ON_SQLITE,
    };
    rule(world, begin).await;
    let audience = world.audience_with_devices(&users(50)).await;

    let campaign = world.campaign(audience).coupon(None).start().await;
    until("the chunk is given back", async || {
        let chunk = world.push_store().find_chunk(ChunkId::of(campaign, 0)).await;
        let record = chunk.unwrap()?.record;
        (record.state == ChunkState::Waiting && record.generation > 0).then_some(())
    })
    .await;
    let refused = world.api().progress(campaign).await;
    rule(world, end).await;

    assert_eq!((refused.outcomes(), refused.grants), (Vec::new(), 0));
    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 50)]);
    assert_eq!(progress.grants, 50);
}

/// Makes a rule, or ends it.
async fn rule(world: &World, statement: &'static str) {
    let mut tx = world.db().begin().await.unwrap();
    sql(statement).execute(&mut tx).await.unwrap();
    tx.commit().await.repeatable().unwrap();
}
