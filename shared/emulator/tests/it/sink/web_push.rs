//! Web Push: who may send, what a request must be, and that nobody but the subscription's own
//! browser reads it. (That good messages are read is what the clients' own tests show.)

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use emulator::clock::ManualClock;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use super::token::Key;
use super::wire::connect;
use super::world::World;

const NOW: DateTime<Utc> = DateTime::from_timestamp(1_782_907_200, 0).unwrap();

async fn world() -> World {
    World::configured(|config| config.clock = Arc::new(ManualClock::new(NOW))).await
}

async fn post(world: &World, path: &str, headers: &[(&'static str, String)], body: &str) -> (u16, Value) {
    let mut request = Request::post(world.url(path));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::from(body.to_owned())).unwrap();
    let answer = connect(world).await.send_request(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn vapid(key: &Key, shown: &Key, claims: &Value) -> String {
    format!("vapid t={}, k={}", key.sign(None, claims), shown.base64url())
}

fn claims(world: &World) -> Value {
    json!({
        "aud": world.url(""),
        "exp": (NOW + TimeDelta::hours(12)).timestamp(),
        "sub": "mailto:ops@example.com",
    })
}

fn good(authorization: String) -> Vec<(&'static str, String)> {
    let headers = [
        ("ttl", "60"),
        ("urgency", "high"),
        ("topic", "offer-1"),
        ("content-encoding", "aes128gcm"),
    ];
    let mut headers = headers.map(|(name, value)| (name, value.to_owned())).to_vec();
    headers.push(("authorization", authorization));
    headers
}

#[tokio::test]
async fn a_subscription_is_the_same_every_time_and_another_for_every_name() {
    let world = world().await;
    let subscribe = async |name: &str| {
        let wanted = json!({ "name": name }).to_string();
        post(&world, "/_sink/subscriptions", &[], &wanted).await
    };

    let (status, one) = subscribe("a").await;
    let (_, again) = subscribe("a").await;
    let (_, other) = subscribe("b").await;
    let (wrong, _) = subscribe("a/b c").await;

    assert_eq!((status, wrong), (201, 400));
    assert_eq!(one["endpoint"], world.url("/web-push/a"));
    assert_eq!(one, again);
    assert_ne!(one["keys"], other["keys"]);
}

#[tokio::test]
async fn only_a_good_token_for_this_origin_and_subscription_is_taken() {
    let world = world().await;
    let (key, other) = (Key::generate(), Key::generate());
    let with = |field: &str, value: Value| {
        let mut claims = claims(&world);
        claims[field] = value;
        vapid(&key, &key, &claims)
    };
    let hours = |hours| (NOW + TimeDelta::hours(hours)).timestamp();
    let plain = "/web-push/a".to_owned();
    let bound = format!("/web-push/{}/a", other.base64url());

    for (path, authorization, status, error) in [
        (
            &plain,
            with("sub", json!("mailto:me@example.com")),
            400,
            "the body cannot be decrypted",
        ),
        (
            &plain,
            with("exp", json!(hours(24))),
            400,
            "the body cannot be decrypted",
        ),
        (
            &plain,
            with("exp", json!(hours(25))),
            403,
            "exp is more than 24 hours ahead",
        ),
        (&plain, with("exp", json!(hours(0))), 403, "exp is past"),
        (
            &plain,
            with("aud", json!("https://push.example.com")),
            403,
            "aud must be this origin",
        ),
        (
            &plain,
            with("sub", json!("me")),
            403,
            "sub must be a mailto: or https: URL",
        ),
        (
            &plain,
            vapid(&key, &other, &claims(&world)),
            403,
            "the token is not signed with k",
        ),
        (
            &bound,
            vapid(&key, &key, &claims(&world)),
            403,
            "the subscription is bound to another key",
        ),
        (
            &bound,
            vapid(&other, &other, &claims(&world)),
            400,
            "the body cannot be decrypted",
        ),
        (
            &plain,
            "Bearer x".to_owned(),
            401,
            "Authorization with a VAPID token is missing",
        ),
    ] {
        let (said, body) = post(&world, path, &good(authorization), "x").await;

        assert_eq!((said, &body["error"]), (status, &json!(error)));
    }
}

#[tokio::test]
async fn a_header_that_is_not_as_the_standard_wants_it_is_refused() {
    let world = world().await;
    let key = Key::generate();
    let authorization = vapid(&key, &key, &claims(&world));
    let long = "x".repeat(33);

    for (header, value, error) in [
        ("ttl", None, "TTL is missing"),
        ("ttl", Some("soon"), "TTL must be whole seconds"),
        (
            "urgency",
            Some("now"),
            "Urgency must be one of very-low, low, normal and high",
        ),
        (
            "topic",
            Some(&*long),
            "Topic must be 1 to 32 characters of base64url",
        ),
        (
            "topic",
            Some("a b"),
            "Topic must be 1 to 32 characters of base64url",
        ),
        (
            "content-encoding",
            Some("aesgcm"),
            "Content-Encoding must be aes128gcm",
        ),
    ] {
        let mut headers = good(authorization.clone());
        headers.retain(|(other, _)| *other != header);
        headers.extend(value.map(|value| (header, value.to_owned())));
        let (status, body) = post(&world, "/web-push/a", &headers, "x").await;

        assert_eq!((status, &body["error"]), (400, &json!(error)));
    }
    let large = "x".repeat(4_097);
    let (status, _) = post(&world, "/web-push/a", &good(authorization), &large).await;
    assert_eq!(status, 413);
    assert_eq!(world.ledger(), []);
}
