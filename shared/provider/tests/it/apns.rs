//! APNs: what Apple is told, every row of its error table, and what follows from a refused token.

use std::time::Duration;

use chrono::DateTime;
use emulator::sink::ApnsSender;
use provider::apns::{self, Environment};
use provider::{Address, Outcome, Scope, SigningKey, Unreachable, Whose};
use serde_json::{Value, json};

use crate::world::{World, push};

const TOKEN: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9";
const OTHER: &str = "ff1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9";

fn address<'a>(token: &'a str, topic: Option<&'a str>) -> Address<'a> {
    Address::Apns(apns::Address {
        token,
        topic,
        environment: Environment::Production,
    })
}

/// What comes of a message, for an address with that topic, that is answered like this.
async fn answered(status: u16, body: Value, topic: Option<&str>) -> Outcome {
    let answer = json!({ "prefix": "0a", "status": status, "body": body.to_string() });
    World::answering(json!([answer]))
        .await
        .send(address(TOKEN, topic))
        .await
}

#[tokio::test]
async fn a_message_is_taken_and_its_token_verified() {
    let key = SigningKey::generate();
    let point = base64url(&key.public_key());
    let sender = |key_id: &str| ApnsSender {
        key_id: key_id.to_owned(),
        team_id: "TEAM123456".to_owned(),
        key: point.clone(),
    };
    let pem = key.to_pem();
    let world = World::with_key(key, |config| config.apns = Some(sender("KEY1234567"))).await;
    let again = SigningKey::from_pem(&pem).unwrap();
    let unknown = World::with_key(again, |config| config.apns = Some(sender("OTHER"))).await;

    let accepted = world.send(address(TOKEN, None)).await;
    unknown.send(address(TOKEN, None)).await;
    let refused = unknown.send(address(TOKEN, None)).await;

    let id = push().to_string();
    let entry = &world.ledger()[0];
    assert_eq!(accepted, Outcome::Accepted);
    assert_eq!((&entry.push_id, entry.collapse_id.as_ref()), (&id, Some(&id)));
    assert_eq!(entry.address, TOKEN);
    assert_eq!(refused, Outcome::CredentialRefused(Whose::Ours));
}

#[tokio::test]
async fn a_token_is_made_anew_before_apple_calls_it_old() {
    let world = World::new().await;

    for _ in 0..4 {
        assert_eq!(world.send(address(TOKEN, None)).await, Outcome::Accepted);
        world.clock.advance(Duration::from_secs(35 * 60));
    }
}

#[tokio::test]
async fn every_row_of_the_error_table_has_its_outcome() {
    let gone_at = 1_782_900_000_123_i64;
    let gone = |since: Option<i64>| Outcome::AddressGone {
        since: since.and_then(DateTime::from_timestamp_millis),
    };
    let throttled = |scope| Outcome::Throttled { after: None, scope };
    let unreachable = Outcome::Unreachable(Unreachable::NotDelivered { after: None });
    let refused = Outcome::CredentialRefused(Whose::Ours);
    let wrong = |reason: &str| Outcome::PayloadWrong(reason.to_owned());
    let mut rows = vec![
        (400, "BadDeviceToken", Outcome::AddressWrong),
        (400, "DeviceTokenNotForTopic", Outcome::AddressWrong),
        (404, "BadPath", Outcome::AddressWrong),
        (403, "BadCertificate", refused.clone()),
        (403, "BadCertificateEnvironment", refused.clone()),
        (403, "Forbidden", refused.clone()),
        (403, "MissingProviderToken", refused.clone()),
        (403, "InvalidProviderToken", unreachable.clone()),
        (403, "ExpiredProviderToken", unreachable.clone()),
        (405, "MethodNotAllowed", wrong("MethodNotAllowed")),
        (413, "PayloadTooLarge", wrong("PayloadTooLarge")),
        (429, "TooManyRequests", throttled(Scope::Device)),
        (429, "TooManyProviderTokenUpdates", throttled(Scope::Project)),
        (400, "IdleTimeout", unreachable.clone()),
        (500, "InternalServerError", unreachable.clone()),
        (503, "ServiceUnavailable", unreachable.clone()),
        (503, "Shutdown", unreachable),
    ];
    for reason in [
        "BadCollapseId",
        "BadExpirationDate",
        "BadMessageId",
        "BadPriority",
        "DuplicateHeaders",
        "InvalidPushType",
        "MissingDeviceToken",
        "PayloadEmpty",
    ] {
        rows.push((400, reason, wrong(reason)));
    }
    for reason in ["BadTopic", "MissingTopic", "TopicDisallowed"] {
        rows.push((400, reason, refused.clone()));
        let of_address = answered(400, json!({ "reason": reason }), Some("com.example.other")).await;
        assert_eq!(of_address, Outcome::AddressWrong, "{reason}");
    }

    for (status, reason, expected) in rows {
        let outcome = answered(status, json!({ "reason": reason }), None).await;

        assert_eq!(outcome, expected, "{status} {reason}");
    }
    for reason in ["Unregistered", "ExpiredToken"] {
        let dated = answered(410, json!({ "reason": reason, "timestamp": gone_at }), None).await;
        let undated = answered(410, json!({ "reason": reason }), None).await;

        assert_eq!((dated, undated), (gone(Some(gone_at)), gone(None)));
    }
}

/// Apple takes a new token every 20 minutes at most, so a second refusal is final for as long.
#[tokio::test]
async fn a_refused_token_is_made_anew_once_and_then_pauses_the_gateway() {
    let answer = json!({ "prefix": "0a", "status": 403, "body": "{\"reason\":\"InvalidProviderToken\"}" });
    let world = World::answering(json!([answer])).await;

    let first = world.send(address(TOKEN, None)).await;
    let second = world.send(address(TOKEN, None)).await;
    let paused = world.send(address(OTHER, None)).await;
    let asked = world.counts().requests;
    world.clock.advance(Duration::from_secs(16));
    let resumed = world.send(address(OTHER, None)).await;

    let refused = Outcome::CredentialRefused(Whose::Ours);
    assert_eq!(
        first,
        Outcome::Unreachable(Unreachable::NotDelivered { after: None })
    );
    assert_eq!([second, paused], [refused.clone(), refused]);
    assert_eq!((asked, resumed), (2, Outcome::Accepted));
}

/// The sink ends a connection that carries a second request before the first has shown a token.
#[tokio::test]
async fn a_new_connection_carries_one_message_until_that_is_answered() {
    let world = World::new().await;

    let tokens = (0..50).map(|number| format!("{number:064x}")).collect::<Vec<_>>();
    let sends = tokens.iter().map(|token| world.send(address(token, None)));
    let outcomes = futures::future::join_all(sends).await;

    assert_eq!(outcomes, vec![Outcome::Accepted; 50]);
}

fn base64url(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .unwrap()
}
