//! FCM: every row of its error table, and what follows from a refused token.

use std::time::Duration;

use provider::fcm::Address::{InstallationId, Token};
use provider::{Address, Outcome, Scope, Unreachable, Whose};
use serde_json::{Value, json};

use crate::world::{World, push};

const ADDRESS: Address<'_> = Address::Fcm(Token("device-1"));

fn fcm_error(code: &str) -> Value {
    json!({ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code })
}

fn violation(field: &str) -> Value {
    json!({ "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{ "field": field }] })
}

/// What comes of a message that is answered like this.
async fn answered(status: u16, details: Value, headers: Value) -> Outcome {
    let body = json!({ "error": { "code": status, "details": details } }).to_string();
    let answer = json!({ "prefix": "device-1", "status": status, "body": body, "headers": headers });
    World::answering(json!([answer])).await.send(ADDRESS).await
}

#[tokio::test]
async fn a_message_is_taken_and_both_kinds_of_address_are() {
    let world = World::new().await;

    let token = world.send(ADDRESS).await;
    let fid = world.send(Address::Fcm(InstallationId("fid-1"))).await;

    assert_eq!([token, fid], [Outcome::Accepted, Outcome::Accepted]);
    let ledger = world.ledger();
    let addresses = ledger.iter().map(|entry| &*entry.address).collect::<Vec<_>>();
    assert_eq!(addresses, ["device-1", "fid-1"]);
    let id = push().to_string();
    assert!(
        ledger
            .iter()
            .all(|entry| entry.push_id == id && entry.collapse_id.as_ref() == Some(&id))
    );
}

#[tokio::test]
async fn every_row_of_the_error_table_has_its_outcome() {
    let unreachable = Outcome::Unreachable(Unreachable::NotDelivered { after: None });
    let throttled = |scope| Outcome::Throttled { after: None, scope };
    let of_device = json!({ "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{ "subject": "device" }] });
    let ttl = Outcome::PayloadWrong("message.android.ttl".to_owned());
    for (status, details, expected) in [
        (
            404,
            json!([fcm_error("UNREGISTERED")]),
            Outcome::AddressGone { since: None },
        ),
        (400, json!([fcm_error("INVALID_ARGUMENT")]), Outcome::AddressWrong),
        (
            400,
            json!([fcm_error("INVALID_ARGUMENT"), violation("message.token")]),
            Outcome::AddressWrong,
        ),
        (
            400,
            json!([fcm_error("INVALID_ARGUMENT"), violation("message.android.ttl")]),
            ttl.clone(),
        ),
        (400, json!([violation("message.android.ttl")]), ttl),
        (400, json!([]), Outcome::PayloadWrong(String::new())),
        (
            403,
            json!([fcm_error("SENDER_ID_MISMATCH")]),
            Outcome::AddressWrong,
        ),
        (
            429,
            json!([fcm_error("QUOTA_EXCEEDED")]),
            throttled(Scope::Project),
        ),
        (
            429,
            json!([fcm_error("QUOTA_EXCEEDED"), of_device]),
            throttled(Scope::Device),
        ),
        (429, json!([]), throttled(Scope::Project)),
        (503, json!([fcm_error("UNAVAILABLE")]), unreachable.clone()),
        (500, json!([fcm_error("INTERNAL")]), unreachable.clone()),
        (502, json!([]), unreachable),
        (
            401,
            json!([fcm_error("THIRD_PARTY_AUTH_ERROR")]),
            Outcome::CredentialRefused(Whose::Platforms),
        ),
        (403, json!([]), Outcome::CredentialRefused(Whose::Ours)),
        (404, json!([]), Outcome::CredentialRefused(Whose::Ours)),
    ] {
        let outcome = answered(status, details.clone(), json!({})).await;

        assert_eq!(outcome, expected, "{status} {details}");
    }
}

#[tokio::test]
async fn the_wait_that_a_gateway_asks_for_is_told() {
    let after = Some(Duration::from_secs(17));
    let headers = json!({ "retry-after": "17" });

    let throttled = answered(429, json!([fcm_error("QUOTA_EXCEEDED")]), headers.clone()).await;
    let unavailable = answered(503, json!([fcm_error("UNAVAILABLE")]), headers).await;

    let scope = Scope::Project;
    assert_eq!(throttled, Outcome::Throttled { after, scope });
    assert_eq!(
        unavailable,
        Outcome::Unreachable(Unreachable::NotDelivered { after })
    );
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_was_possibly_delivered() {
    let world = World::new().await;
    world
        .play(json!({ "faults": [{ "outcome": "reset_after_accept", "share": 1.0 }] }))
        .await;

    let outcome = world.send(ADDRESS).await;

    assert_eq!(outcome, Outcome::Unreachable(Unreachable::PossiblyDelivered));
    assert_eq!(world.ledger().len(), 1);
}

/// The token is fetched anew once; when that one is refused as well, the gateway pauses, and asks
/// again with one message when the pause is over.
#[tokio::test]
async fn a_refused_token_is_renewed_once_and_then_pauses_the_gateway() {
    let answer = json!({ "prefix": "device-1", "status": 401, "body": "{}" });
    let world = World::answering(json!([answer])).await;

    let first = world.send(ADDRESS).await;
    let second = world.send(ADDRESS).await;
    let paused = world.send(Address::Fcm(Token("device-2"))).await;
    let asked = world.counts().requests;
    world.clock.advance(Duration::from_secs(16));
    let resumed = world.send(Address::Fcm(Token("device-2"))).await;

    let refused = Outcome::CredentialRefused(Whose::Ours);
    assert_eq!(
        first,
        Outcome::Unreachable(Unreachable::NotDelivered { after: None })
    );
    assert_eq!([second, paused], [refused.clone(), refused]);
    assert_eq!(asked, 2);
    assert_eq!(resumed, Outcome::Accepted);
}

#[tokio::test]
async fn a_platforms_refused_credential_stops_nobody_else() {
    let body = json!({ "error": { "details": [fcm_error("THIRD_PARTY_AUTH_ERROR")] } }).to_string();
    let world = World::answering(json!([{ "prefix": "device-1", "status": 401, "body": body }])).await;

    let refused = world.send(ADDRESS).await;
    let other = world.send(Address::Fcm(Token("device-2"))).await;

    assert_eq!(refused, Outcome::CredentialRefused(Whose::Platforms));
    assert_eq!(other, Outcome::Accepted);
}
