//! Coupons.

use reqwest::StatusCode;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_coupon_is_made_shown_and_listed() {
    let world = World::new().await;
    let new = json!({"name": "10 %", "stock": 500, "valid_from": "2026-07-01T00:00:00Z", "valid_until": "2026-08-01T00:00:00Z"});

    let made = world.post("/v1/coupons", new).await;

    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.json["stock"], 500);
    assert_eq!(made.json["reserved"], 0);
    let shown = world.get(&format!("/v1/coupons/{}", made.id())).await;
    assert_eq!(shown.json, made.json);
    let listed = world.get("/v1/coupons").await;
    assert_eq!(listed.json["items"], json!([made.json]));
}

#[tokio::test]
async fn a_coupon_that_makes_no_sense_is_refused() {
    let world = World::new().await;

    let nameless = world.post("/v1/coupons", json!({"name": " "})).await;
    let never =
        json!({"name": "n", "valid_from": "2026-08-01T00:00:00Z", "valid_until": "2026-07-01T00:00:00Z"});
    let never = world.post("/v1/coupons", never).await;
    let negative = world.post("/v1/coupons", json!({"name": "n", "stock": -1})).await;
    let endless = world
        .post("/v1/coupons", json!({"name": "n", "stock": u64::MAX}))
        .await;

    assert_eq!(nameless.unaccepted(), "name");
    assert_eq!(never.unaccepted(), "valid_until");
    assert_eq!(negative.unaccepted(), "stock");
    assert_eq!(endless.unaccepted(), "stock");
    assert_eq!(world.get("/v1/coupons").await.json["items"], json!([]));
}
