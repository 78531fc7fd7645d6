//! Requests that are not understood: refused with a problem that names the place, on any route.

use reqwest::Method;
use runtime::Config;
use serde_json::json;

use crate::world::{World, send};

#[tokio::test]
async fn a_body_that_is_not_json_is_refused_by_line_and_column() {
    let world = World::new().await;
    let request = world.request(Method::POST, "/v1/coupons");

    let refused = send(
        request
            .header("content-type", "application/json")
            .body("{\"name\":\n  oops}"),
    )
    .await;

    assert_eq!(refused.problem(), (400, "not-json"));
    assert_eq!(
        (&refused.json["line"], &refused.json["column"]),
        (&json!(2), &json!(3))
    );
}

#[tokio::test]
async fn a_field_that_is_unknown_missing_or_of_another_type_is_named() {
    let world = World::new().await;

    let unknown = world.post("/v1/coupons", json!({"name": "n", "stocks": 1})).await;
    let missing = world.post("/v1/coupons", json!({})).await;
    let typed = world
        .post(
            "/v1/campaigns",
            json!({"name": "n", "message": {"texts": {"en": {"title": 7}}}}),
        )
        .await;

    assert_eq!(unknown.unaccepted(), "stocks");
    assert!(
        missing.json["detail"].as_str().unwrap().contains("`name`"),
        "{:?}",
        missing.json
    );
    assert_eq!(typed.unaccepted(), "message.texts.en.title");
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let world = World::new().await;
    let send_as = |path: &'static str, kind: &'static str| {
        send(
            world
                .request(Method::POST, path)
                .header("content-type", kind)
                .body("a=b"),
        )
    };

    let form = send_as("/v1/coupons", "application/x-www-form-urlencoded").await;
    let audience = send_as("/v1/audiences?name=n", "text/html").await;
    let devices = send_as("/v1/devices", "text/plain").await;

    for refused in [form, audience, devices] {
        assert_eq!(refused.problem(), (415, "media-type"));
    }
}

#[tokio::test]
async fn a_json_body_over_the_limit_is_refused() {
    let mut config = Config::default();
    config.admin.json_max_bytes = 1_000.try_into().unwrap();
    let world = World::with(config).await;

    let coupon = world
        .post("/v1/coupons", json!({"name": "x".repeat(1_000)}))
        .await;
    let audience = world
        .post(
            "/v1/audiences",
            json!({"name": "x".repeat(1_000), "user_ids": ["u"]}),
        )
        .await;
    let devices = world.post("/v1/devices", json!(["x".repeat(1_000)])).await;

    for refused in [coupon, audience, devices] {
        assert_eq!(refused.problem(), (413, "body-too-large"));
        assert_eq!(refused.json["limit"], 1_000);
    }
}

#[tokio::test]
async fn parameters_are_taken_strictly() {
    let world = World::new().await;

    let none = world.get("/v1/campaigns?limit=0").await;
    let many = world.get("/v1/campaigns?limit=501").await;
    let cursor = world.get("/v1/campaigns?cursor=made-up").await;
    let unknown = world.get("/v1/campaigns?page=2").await;
    let state = world.get("/v1/inconsistencies?state=odd").await;
    let delimiter = send(
        world
            .request(Method::POST, "/v1/audiences?name=n&delimiter=pipe")
            .header("content-type", "text/csv")
            .body("user_id\n"),
    )
    .await;
    let nameless = send(
        world
            .request(Method::POST, "/v1/audiences")
            .header("content-type", "text/csv")
            .body("user_id\n"),
    )
    .await;

    assert_eq!(none.unaccepted(), "limit");
    assert_eq!(many.unaccepted(), "limit");
    assert_eq!(cursor.unaccepted(), "cursor");
    assert_eq!(unknown.unaccepted(), "query");
    assert_eq!(state.unaccepted(), "state");
    assert_eq!(delimiter.unaccepted(), "query");
    assert_eq!(nameless.unaccepted(), "name");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let world = World::new().await;
    let nil = "00000000-0000-0000-0000-000000000000";

    for path in ["audiences", "campaigns", "coupons", "inconsistencies"] {
        let missing = world.get(&format!("/v1/{path}/{nil}")).await;
        assert_eq!(missing.problem(), (404, "not-found"), "{path}");
        let malformed = world.get(&format!("/v1/{path}/7")).await;
        assert_eq!(malformed.unaccepted(), "path", "{path}");
    }
    for path in ["schedule", "start", "pause", "resume", "cancel"] {
        let missing = world
            .post(&format!("/v1/campaigns/{nil}/{path}"), json!({}))
            .await;
        assert_eq!(missing.problem(), (404, "not-found"), "{path}");
    }
    assert_eq!(world.get("/v1/nothing").await.problem(), (404, "not-found"));
    assert_eq!(
        world.delete("/v1/campaigns").await.problem(),
        (405, "method-not-allowed")
    );
}
