//! Web Push: what push services and browsers are given, and every row of the error table.

use std::time::Duration;

use campaign::RenderedMessage;
use provider::web_push::Subscription;
use provider::{Address, Outcome, Scope, Unreachable, Whose};
use serde_json::{Value, json};

use crate::world::{World, message, push};

async fn subscription(world: &World, name: &str) -> Subscription {
    world.subscribe(json!({ "name": name })).await
}

/// What comes of a message that is answered like this.
async fn answered(status: u16, headers: Value) -> Outcome {
    let answer = json!({ "prefix": "odd", "status": status, "headers": headers });
    let world = World::answering(json!([answer])).await;
    let odd = subscription(&world, "odd-1").await;
    world.send(Address::WebPush(&odd)).await
}

/// The sink verifies the token and decrypts the body before it takes a message.
#[tokio::test]
async fn a_message_is_taken_and_its_body_decrypted() {
    let world = World::new().await;
    let key = world.gateways.web_push.as_ref().unwrap().public_key();
    let bound = world.subscribe(json!({ "name": "b1", "key": key })).await;

    let outcome = world.send(Address::WebPush(&bound)).await;

    let ledger = world.ledger();
    let topic = push().0.simple().to_string();
    assert_eq!(outcome, Outcome::Accepted);
    assert_eq!(ledger[0].push_id, push().to_string());
    assert_eq!(ledger[0].collapse_id, Some(topic));
    assert!(ledger[0].address.ends_with("/b1"));
}

#[tokio::test]
async fn every_row_of_the_error_table_has_its_outcome() {
    let after = Some(Duration::from_secs(17));
    let waits = || json!({ "retry-after": "17" });
    let scope = Scope::Device;
    let unreachable = |after| Outcome::Unreachable(Unreachable::NotDelivered { after });
    for (status, headers, expected) in [
        (200, json!({}), Outcome::Accepted),
        (201, json!({}), Outcome::Accepted),
        (404, json!({}), Outcome::AddressGone { since: None }),
        (410, json!({}), Outcome::AddressGone { since: None }),
        (413, json!({}), Outcome::PayloadWrong("size".to_owned())),
        (400, json!({}), Outcome::PayloadWrong(String::new())),
        (429, waits(), Outcome::Throttled { after, scope }),
        (406, json!({}), Outcome::Throttled { after: None, scope }),
        (401, json!({}), Outcome::CredentialRefused(Whose::Platforms)),
        (403, json!({}), Outcome::CredentialRefused(Whose::Platforms)),
        (
            307,
            json!({ "location": "http://127.0.0.1:1/x" }),
            Outcome::AddressWrong,
        ),
        (500, json!({}), unreachable(None)),
        (503, waits(), unreachable(after)),
    ] {
        assert_eq!(answered(status, headers).await, expected, "{status}");
    }
}

#[tokio::test]
async fn a_refusal_is_the_subscriptions_once_others_were_taken_with_the_token() {
    let world = World::new().await;
    let good = subscription(&world, "good").await;
    let somebodys = provider::SigningKey::generate().public_key();
    let others = world
        .subscribe(json!({ "name": "others", "key": somebodys }))
        .await;

    let before = world.send(Address::WebPush(&others)).await;
    world.clock.advance(Duration::from_secs(16));
    let taken = world.send(Address::WebPush(&good)).await;
    let after = world.send(Address::WebPush(&others)).await;

    assert_eq!(before, Outcome::CredentialRefused(Whose::Platforms));
    assert_eq!((taken, after), (Outcome::Accepted, Outcome::AddressWrong));
}

#[tokio::test]
async fn a_token_serves_one_origin_for_hours_and_is_signed_again_before_it_ends() {
    let world = World::new().await;
    let subscription = subscription(&world, "s").await;

    for _ in 0..5 {
        assert_eq!(
            world.send(Address::WebPush(&subscription)).await,
            Outcome::Accepted
        );
        world.clock.advance(Duration::from_secs(5 * 3_600));
    }
}

#[tokio::test]
async fn what_does_not_fit_into_a_record_is_not_sent() {
    let world = World::new().await;
    let subscription = subscription(&world, "s").await;
    let long = RenderedMessage {
        body: "x".repeat(3_900),
        ..message()
    };

    let outcome = world.send_message(Address::WebPush(&subscription), &long).await;

    assert_eq!(
        outcome,
        Outcome::PayloadWrong("larger than 3993 bytes".to_owned())
    );
    assert_eq!(world.counts().requests, 0);
}
