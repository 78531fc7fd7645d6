//! APNs: who may send, what a request must be, and what is remembered of it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use emulator::clock::ManualClock;
use emulator::sink::{ApnsSender, Outcome};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use super::token::Key;
use super::wire::connect;
use super::world::{World, always};

const NOW: DateTime<Utc> = DateTime::from_timestamp(1_782_907_200, 0).unwrap();
const DEVICE: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9";
const ID: &str = "123e4567-e89b-12d3-a456-426614174000";

struct Apns {
    world: World,
    key: Key,
}

impl Apns {
    async fn new() -> Self {
        Self::configured(|_| ()).await
    }

    async fn configured(change: impl FnOnce(&mut emulator::sink::Config)) -> Self {
        let key = Key::generate();
        let sender = ApnsSender {
            key_id: "KEY".to_owned(),
            team_id: "TEAM".to_owned(),
            key: key.public.clone(),
        };
        let world = World::configured(|config| {
            config.apns = Some(sender);
            config.clock = Arc::new(ManualClock::new(NOW));
            change(config);
        })
        .await;
        Self { world, key }
    }

    fn bearer(&self, key_id: &str, team_id: &str, age: TimeDelta) -> String {
        let claims = json!({ "iss": team_id, "iat": (NOW - age).timestamp() });
        format!("bearer {}", self.key.sign(Some(key_id), &claims))
    }

    fn good(&self) -> Vec<(&'static str, String)> {
        vec![
            (
                "authorization",
                self.bearer("KEY", "TEAM", TimeDelta::minutes(59)),
            ),
            ("apns-topic", "com.example.app".to_owned()),
            ("apns-push-type", "alert".to_owned()),
            ("apns-id", ID.to_owned()),
            ("apns-collapse-id", "offer-1".to_owned()),
            ("apns-priority", "10".to_owned()),
            ("apns-expiration", "0".to_owned()),
        ]
    }

    /// A good request, but for that header; what is answered, and its reason.
    async fn but(&self, name: &'static str, value: Option<String>) -> (u16, String) {
        let mut headers = self.good();
        headers.retain(|(other, _)| *other != name);
        headers.extend(value.map(|value| (name, value)));
        let (status, _, body) = self.send(DEVICE, &headers, payload()).await;
        (status, body["reason"].as_str().unwrap_or_default().to_owned())
    }

    async fn send(
        &self,
        device: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> (u16, HeaderMap, Value) {
        let mut request = Request::post(self.world.url(&format!("/3/device/{device}")));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut sender = connect(&self.world).await;
        let answer = sender
            .send_request(request.body(Full::from(body)).unwrap())
            .await
            .unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, headers, serde_json::from_slice(&body).unwrap_or_default())
    }
}

fn payload() -> String {
    json!({ "aps": { "alert": "Hello" }, "push_id": "p-1" }).to_string()
}

#[tokio::test]
async fn a_good_message_is_taken_and_written_down() {
    let apns = Apns::new().await;

    let (status, headers, body) = apns.send(DEVICE, &apns.good(), payload()).await;

    let ledger = apns.world.ledger();
    assert_eq!((status, body), (200, Value::Null));
    assert_eq!(headers["apns-id"], ID);
    assert_eq!((&*ledger[0].push_id, &*ledger[0].address), ("p-1", DEVICE));
    assert_eq!(ledger[0].collapse_id.as_deref(), Some("offer-1"));
}

#[tokio::test]
async fn only_the_teams_own_young_token_is_taken() {
    let apns = Apns::new().await;
    let young = TimeDelta::minutes(1);
    let somebodys = Key::generate().sign(Some("KEY"), &json!({ "iss": "TEAM", "iat": NOW.timestamp() }));

    for (authorization, reason) in [
        (None, "MissingProviderToken"),
        (Some("bearer x".to_owned()), "InvalidProviderToken"),
        (Some(format!("bearer {somebodys}")), "InvalidProviderToken"),
        (Some(apns.bearer("OTHER", "TEAM", young)), "InvalidProviderToken"),
        (Some(apns.bearer("KEY", "OTHER", young)), "InvalidProviderToken"),
        (
            Some(apns.bearer("KEY", "TEAM", TimeDelta::minutes(61))),
            "ExpiredProviderToken",
        ),
        (
            Some(apns.bearer("KEY", "TEAM", -TimeDelta::minutes(6))),
            "InvalidProviderToken",
        ),
    ] {
        assert_eq!(
            apns.but("authorization", authorization).await,
            (403, reason.to_owned())
        );
    }
    assert_eq!(apns.world.counts().await.unauthenticated, 7);
}

#[tokio::test]
async fn a_header_that_is_not_as_apple_wants_it_has_its_reason() {
    let apns = Apns::new().await;

    for (header, value, reason) in [
        ("apns-topic", None, "MissingTopic"),
        ("apns-topic", Some("com example"), "BadTopic"),
        ("apns-push-type", Some("shout"), "InvalidPushType"),
        ("apns-id", Some("7"), "BadMessageId"),
        ("apns-collapse-id", Some(&*"x".repeat(65)), "BadCollapseId"),
        ("apns-priority", Some("7"), "BadPriority"),
        ("apns-expiration", Some("soon"), "BadExpirationDate"),
    ] {
        let said = apns.but(header, value.map(str::to_owned)).await;

        assert_eq!(said, (400, reason.to_owned()), "{header}");
    }
    let mut twice = apns.good();
    twice.push(("apns-priority", "10".to_owned()));
    let (_, _, body) = apns.send(DEVICE, &twice, payload()).await;
    assert_eq!(body["reason"], "DuplicateHeaders");
}

#[tokio::test]
async fn a_device_token_and_a_payload_are_checked() {
    let apns = Apns::new().await;
    let large = json!({ "aps": { "alert": "x".repeat(4_096) } }).to_string();

    for (device, body, status, reason) in [
        ("0a", payload(), 400, "BadDeviceToken"),
        (&*"0g".repeat(32), payload(), 400, "BadDeviceToken"),
        ("", payload(), 404, "BadPath"),
        (DEVICE, String::new(), 400, "PayloadEmpty"),
        (DEVICE, "{}".to_owned(), 400, "PayloadEmpty"),
        (DEVICE, large, 413, "PayloadTooLarge"),
    ] {
        let (said, _, body) = apns.send(device, &apns.good(), body).await;

        assert_eq!((said, &body["reason"]), (status, &json!(reason)));
    }
    assert_eq!(apns.world.ledger(), []);
}

#[tokio::test]
async fn every_scripted_error_is_said_in_apples_words() {
    for (outcome, status, reason) in [
        (Outcome::Unregistered, 410, "Unregistered"),
        (Outcome::InvalidArgument, 400, "BadDeviceToken"),
        (Outcome::BadRequest, 413, "PayloadTooLarge"),
        (Outcome::SenderIdMismatch, 400, "DeviceTokenNotForTopic"),
        (Outcome::QuotaExceeded, 429, "TooManyProviderTokenUpdates"),
        (Outcome::DeviceQuotaExceeded, 429, "TooManyRequests"),
        (Outcome::Unavailable, 503, "ServiceUnavailable"),
        (Outcome::Internal, 500, "InternalServerError"),
        (Outcome::ThirdPartyAuthError, 403, "Forbidden"),
        (Outcome::Unauthenticated, 403, "InvalidProviderToken"),
    ] {
        let apns = Apns::configured(|config| config.script = always(outcome)).await;

        let (said, _, body) = apns.send(DEVICE, &apns.good(), payload()).await;

        assert_eq!((said, &body["reason"]), (status, &json!(reason)), "{outcome:?}");
        let dated = (outcome == Outcome::Unregistered).then(|| NOW.timestamp_millis());
        assert_eq!(body["timestamp"].as_i64(), dated);
    }
}

#[tokio::test]
async fn a_second_request_before_a_token_was_taken_ends_the_connection() {
    let apns = Apns::configured(|config| config.script = always(Outcome::Hang)).await;
    let sender = connect(&apns.world).await;
    let request = || {
        let mut request = Request::post(apns.world.url(&format!("/3/device/{DEVICE}")));
        for (name, value) in apns.good() {
            request = request.header(name, value);
        }
        request.body(Full::from(payload())).unwrap()
    };
    let (mut first, mut second) = (sender.clone(), sender);

    let ended = tokio::join!(first.send_request(request()), second.send_request(request()));

    assert!(ended.0.is_err() && ended.1.is_err());
}
