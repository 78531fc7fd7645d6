//! A store that is away for a while.

use std::time::Duration;

use journeys::world::{World, until, users};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::stamp::on;

on! { mysql MySql: nothing_is_lost_while_sql_is_away }
on! { google_on_mysql GoogleOnMySql: nothing_is_lost_while_sql_is_away }

/// Every connection is cut in the middle of what it says, with chunks granted, sent and settled
/// at that moment, and no new one is let through until all permits have ended.
async fn nothing_is_lost_while_sql_is_away(world: &World) {
    let audience = world.audience_with_devices(&users(800)).await;
    world.gateway().play(&json!({"delay": {"fixed_ms": 200}})).await;
    let wire = world.sql_wire().unwrap();

    let campaign = world.campaign(audience).coupon(700).start().await;
    until("the gateway has taken some", async || {
        (!world.gateway().accepted().is_empty()).then_some(())
    })
    .await;
    wire.refuse();
    wire.cut();
    until("nobody can be told how far it is", async || {
        let path = format!("/v1/campaigns/{campaign}/progress");
        let answer = world.api().ask(Method::GET, &path, None).await?;
        (answer.status == StatusCode::SERVICE_UNAVAILABLE).then_some(())
    })
    .await;
    let cut_at = world.clock().now();
    until("every permit has ended", async || {
        (world.clock().now() > cut_at + Duration::from_secs(1)).then_some(())
    })
    .await;
    let accepted = world.gateway().accepted().len();
    wire.heal();
    // Passes that failed wait for up to half a minute.
    world.clock().advance(Duration::from_secs(30));

    let progress = world.finished(campaign).await;
    assert!(accepted < 700, "SQL went away too late to prove anything");
    assert_eq!(
        progress.outcomes(),
        [("accepted", 700), ("coupon_exhausted", 100)]
    );
}
