//! Users: their devices, opt-outs and erasure.

use database::erasure;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{World, send};

fn token(address: &str) -> Value {
    json!({"kind": "fcm_token", "address": address})
}

/// The keys of a subscription (RFC 8291, appendix A).
fn keys() -> Value {
    json!({
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    })
}

/// An endpoint of the sink.
fn endpoint(world: &World, name: &str) -> String {
    let embedded = world.embedded.lock().unwrap();
    let sink = embedded.as_ref().unwrap().sink().unwrap();
    format!("http://{sink}/web-push/{name}")
}

async fn addresses(world: &World, user: &str) -> Vec<String> {
    let listed = world.get(&format!("/v1/users/{user}/devices")).await.json;
    let items = listed["items"].as_array().unwrap().iter();
    items
        .map(|item| item["address"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn an_address_moves_to_whoever_registers_it() {
    let world = World::new().await;

    let first = world.post("/v1/users/u1/devices", token("a1")).await;
    let second = world.post("/v1/users/u2/devices", token("a1")).await;

    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!(first.id(), second.id());
    assert_eq!(addresses(&world, "u1").await, [""; 0]);
    assert_eq!(addresses(&world, "u2").await, ["a1"]);
}

#[tokio::test]
async fn every_kind_of_address_is_shown_as_it_was_registered() {
    let world = World::new().await;
    let device_token = "0A".repeat(32);

    for (kind, address, extra, shown) in [
        ("fcm_token", "a1".to_owned(), Value::Null, Value::Null),
        ("fcm_fid", "a1".to_owned(), Value::Null, Value::Null),
        (
            "apns",
            device_token,
            Value::Null,
            json!({"environment": "production"}),
        ),
        ("web_push", endpoint(&world, "s1"), keys(), keys()),
    ] {
        let device = json!({"kind": kind, "address": address, "extra": extra});
        let registered = world.post(&format!("/v1/users/{kind}/devices"), device).await;

        assert_eq!(registered.status, StatusCode::CREATED, "{:?}", registered.json);
        assert_eq!(registered.json["kind"], kind);
        assert_eq!(registered.json["extra"], shown);
        assert_eq!(registered.json["quarantined_at"], Value::Null);
    }
    assert_eq!(addresses(&world, "apns").await, ["0a".repeat(32)]);
}

#[tokio::test]
async fn what_cannot_be_an_address_of_its_kind_is_refused_by_its_field() {
    let world = World::new().await;
    let token = "0a".repeat(32);
    let endpoint = endpoint(&world, "s1");
    let keys_but = |part: &str, value: &str| {
        let mut keys = keys();
        keys[part] = value.into();
        keys
    };

    for (kind, address, extra, field) in [
        ("fcm_token", "a b", Value::Null, "address"),
        ("fcm_token", "a1", json!({"auth": "x"}), "extra"),
        ("apns", "a1", Value::Null, "address"),
        ("apns", &token, json!({"topic": "com example"}), "extra.topic"),
        (
            "apns",
            &token,
            json!({"environment": "staging"}),
            "extra.environment",
        ),
        ("apns", &token, json!({"bundle": "x"}), "extra.bundle"),
        ("web_push", &endpoint, Value::Null, "extra"),
        ("web_push", &endpoint, json!({"p256dh": "x"}), "extra"),
        ("web_push", &endpoint, keys_but("p256dh", "AAAA"), "extra.p256dh"),
        ("web_push", &endpoint, keys_but("auth", "AAAA"), "extra.auth"),
        ("web_push", "http://169.254.169.254/latest", keys(), "address"),
        ("web_push", "https://push.example.com/x", keys(), "address"),
    ] {
        let device = json!({"kind": kind, "address": address, "extra": extra, "user_id": "u1"});
        let in_bulk = world.post("/v1/devices", json!([device])).await;

        assert_eq!(in_bulk.unaccepted(), format!("[0].{field}"), "{device}");
    }
}

#[tokio::test]
async fn addresses_of_many_users_are_expired_at_once() {
    let world = World::new().await;
    for (user, address) in [("u1", "a1"), ("u2", "a2"), ("u2", "a3")] {
        world
            .post(&format!("/v1/users/{user}/devices"), token(address))
            .await;
    }
    let gone = json!([token("a1"), token("a3"), token("unknown"), {"kind": "fcm_fid", "address": "a2"}]);

    let expired = world.post("/v1/devices/expire", gone.clone()).await;
    let again = world.post("/v1/devices/expire", gone).await;
    let none = world.post("/v1/devices/expire", json!([])).await;

    assert_eq!(expired.json, json!({"removed": 2}));
    assert_eq!(again.json, json!({"removed": 0}));
    assert_eq!(none.unaccepted(), "body");
    assert_eq!(addresses(&world, "u1").await, [""; 0]);
    assert_eq!(addresses(&world, "u2").await, ["a2"]);
}

#[tokio::test]
async fn a_users_addresses_are_replaced_as_a_whole() {
    let world = World::new().await;
    world.post("/v1/users/u1/devices", token("a1")).await;
    let kept = world.post("/v1/users/u1/devices", token("a2")).await;

    let replaced = world
        .put("/v1/users/u1/devices", json!([token("a2"), token("a3")]))
        .await;

    assert_eq!(replaced.json["items"][0], kept.json);
    assert_eq!(addresses(&world, "u1").await, ["a2", "a3"]);
}

#[tokio::test]
async fn addresses_are_removed_one_by_one_and_all_at_once() {
    let world = World::new().await;
    let first = world.post("/v1/users/u1/devices", token("a1")).await.id();
    world.post("/v1/users/u1/devices", token("a2")).await;

    let one = world.delete(&format!("/v1/users/u1/devices/{first}")).await;
    let again = world.delete(&format!("/v1/users/u1/devices/{first}")).await;
    assert_eq!(addresses(&world, "u1").await, ["a2"]);
    let all = world.delete("/v1/users/u1/devices").await;

    assert_eq!(one.status, StatusCode::NO_CONTENT);
    assert_eq!(again.problem(), (404, "not-found"));
    assert_eq!(all.status, StatusCode::NO_CONTENT);
    assert_eq!(addresses(&world, "u1").await, [""; 0]);
}

#[tokio::test]
async fn a_user_has_a_hundred_addresses_at_most() {
    let world = World::new().await;
    let hundred: Vec<_> = (0..100).map(|no| token(&format!("a{no}"))).collect();
    world.put("/v1/users/u1/devices", json!(hundred)).await;

    let one_more = world.post("/v1/users/u1/devices", token("b")).await;
    let in_bulk = json!([
        {"user_id": "u2", "kind": "fcm_token", "address": "b"},
        {"user_id": "u1", "kind": "fcm_token", "address": "c"},
    ]);
    let in_bulk = world.post("/v1/devices", in_bulk).await;

    assert_eq!(one_more.unaccepted(), "user_id");
    assert_eq!(in_bulk.unaccepted(), "[1].user_id");
    assert_eq!(addresses(&world, "u1").await.len(), 100);
    assert_eq!(addresses(&world, "u2").await, [""; 0]);
}

#[tokio::test]
async fn an_address_that_is_older_than_its_new_users_hundred_is_one_too_many() {
    let world = World::new().await;
    world.post("/v1/users/u2/devices", token("old")).await;
    let hundred: Vec<_> = (0..100).map(|no| token(&format!("a{no}"))).collect();
    world.put("/v1/users/u1/devices", json!(hundred)).await;

    let moved = world.post("/v1/users/u1/devices", token("old")).await;

    assert_eq!(moved.unaccepted(), "user_id");
    assert_eq!(addresses(&world, "u2").await, ["old"]);
}

#[tokio::test]
async fn ten_thousand_addresses_are_registered_at_once() {
    let world = World::new().await;
    let devices: Vec<_> = (0..10_000)
        .map(|no| json!({"user_id": format!("u{no}"), "kind": "fcm_token", "address": format!("a{no}")}))
        .collect();

    let registered = world.post("/v1/devices", json!(devices)).await;

    assert_eq!(registered.json, json!({"registered": 10_000}));
    assert_eq!(addresses(&world, "u9999").await, ["a9999"]);
}

#[tokio::test]
async fn addresses_are_registered_line_by_line_and_a_fault_names_its_line() {
    let world = World::new().await;
    let lines = |text: String| {
        let request = world.request(Method::POST, "/v1/devices");
        send(request.header("content-type", "application/x-ndjson").body(text))
    };
    let good = r#"{"user_id":"u1","kind":"fcm_fid","address":"a1"}"#;

    let registered = lines(format!("{good}\n\n{}\n", good.replace('1', "2"))).await;
    let broken = lines(format!("{good}\n{{\"user_id\":")).await;
    let wrong = lines(format!("\n{}", good.replace("fcm_fid", "pager"))).await;
    let blank = lines(format!("\n{}", good.replace("a1", ""))).await;

    assert_eq!(registered.json, json!({"registered": 2}));
    assert_eq!(broken.problem(), (400, "not-json"));
    assert_eq!(broken.json["line"], 2);
    assert_eq!(wrong.unaccepted(), "line 2: kind");
    assert_eq!(blank.unaccepted(), "line 2: address");
}

#[tokio::test]
async fn an_address_that_makes_no_sense_refuses_all() {
    let world = World::new().await;
    let devices = json!([
        {"user_id": "u1", "kind": "fcm_token", "address": "a1"},
        {"user_id": "u1", "kind": "fcm_token", "address": ""},
    ]);

    let refused = world.post("/v1/devices", devices).await;
    let empty = world.post("/v1/devices", json!([])).await;

    assert_eq!(refused.unaccepted(), "[1].address");
    assert_eq!(empty.unaccepted(), "body");
    assert_eq!(addresses(&world, "u1").await, [""; 0]);
}

#[tokio::test]
async fn an_opt_out_keeps_its_first_instant_until_it_is_taken_back() {
    let world = World::new().await;

    let noted = world.put("/v1/users/u1/opt-out", Value::Null).await;
    world.clock.advance(std::time::Duration::from_secs(60));
    world.put("/v1/users/u1/opt-out", Value::Null).await;
    let shown = world.get("/v1/users/u1/opt-out").await;
    world.delete("/v1/users/u1/opt-out").await;
    let after = world.get("/v1/users/u1/opt-out").await;

    assert_eq!(noted.status, StatusCode::NO_CONTENT);
    assert_eq!(shown.json, json!({"since": "2026-07-01T12:00:00Z"}));
    assert_eq!(after.json, json!({"since": null}));
}

#[tokio::test]
async fn an_erasure_is_asked_for_and_followed() {
    let world = World::new().await;

    let before = world.get("/v1/users/u1/erasure").await;
    let asked = world.delete("/v1/users/u1").await;
    let shown = world.get("/v1/users/u1/erasure").await;

    assert_eq!(before.problem(), (404, "not-found"));
    assert_eq!(asked.status, StatusCode::ACCEPTED);
    assert_eq!(shown.json, asked.json);
    assert_eq!(shown.json["state"], "open");
}

#[tokio::test]
async fn a_user_comes_back_after_the_erasure_and_not_during_it() {
    let world = World::new().await;
    world.delete("/v1/users/u1").await;
    let bulk = json!([
        {"user_id": "u2", "kind": "fcm_token", "address": "a2"},
        {"user_id": "u1", "kind": "fcm_token", "address": "a1"},
    ]);

    let during = world.post("/v1/users/u1/devices", token("a1")).await;
    let in_bulk = world.post("/v1/devices", bulk).await;
    let replacing = world.put("/v1/users/u1/devices", json!([])).await;
    let mut tx = world.backends.db.begin().await.unwrap();
    let now = world.clock.clock().now();
    let done = erasure::mark_done(&mut tx, "u1", now, now).await.unwrap();
    tx.commit().await.repeatable().unwrap();
    let after = world.post("/v1/users/u1/devices", token("a1")).await;

    assert_eq!(done, database::Change::Applied);
    assert_eq!(during.problem(), (409, "being-erased"));
    assert_eq!(in_bulk.problem(), (409, "being-erased"));
    assert_eq!(in_bulk.json["field"], "[1].user_id");
    assert_eq!(replacing.problem(), (409, "being-erased"));
    assert_eq!(after.status, StatusCode::CREATED);
    assert_eq!(
        world.get("/v1/users/u1/erasure").await.problem(),
        (404, "not-found")
    );
}

#[tokio::test]
async fn user_ids_of_the_path_follow_the_rules_of_the_audience_file() {
    let world = World::new().await;
    let long = "x".repeat(129);

    let slashed = world.post("/v1/users/a%2Fb%20c/devices", token("a1")).await;
    let too_long = world.get(&format!("/v1/users/{long}/devices")).await;
    let control = world.get("/v1/users/a%07/devices").await;
    let padded = world.get("/v1/users/%20a/devices").await;

    assert_eq!(slashed.status, StatusCode::CREATED);
    for refused in [too_long, control, padded] {
        assert_eq!(refused.unaccepted(), "path");
    }
}
