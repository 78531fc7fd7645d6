//! The trouble it makes: every error of the gateway, and what is worse than an error.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use emulator::clock::{Clock, ManualClock};
use emulator::sink::{Delay, Outcome, Script};
use serde_json::json;
use tokio_util::task::TaskTracker;

use super::world::{World, always};
use crate::killable::until;

#[tokio::test]
async fn every_error_has_the_body_that_the_gateway_gives_it() {
    for (outcome, status, canonical, error_code, fields) in [
        (
            Outcome::Unregistered,
            404,
            "NOT_FOUND",
            Some("UNREGISTERED"),
            vec![],
        ),
        (
            Outcome::InvalidArgument,
            400,
            "INVALID_ARGUMENT",
            Some("INVALID_ARGUMENT"),
            vec!["message.token"],
        ),
        (
            Outcome::BadRequest,
            400,
            "INVALID_ARGUMENT",
            None,
            vec!["message.data"],
        ),
        (
            Outcome::SenderIdMismatch,
            403,
            "PERMISSION_DENIED",
            Some("SENDER_ID_MISMATCH"),
            vec![],
        ),
        (
            Outcome::QuotaExceeded,
            429,
            "RESOURCE_EXHAUSTED",
            Some("QUOTA_EXCEEDED"),
            vec![],
        ),
        (
            Outcome::Unavailable,
            503,
            "UNAVAILABLE",
            Some("UNAVAILABLE"),
            vec![],
        ),
        (Outcome::Internal, 500, "INTERNAL", Some("INTERNAL"), vec![]),
        (
            Outcome::ThirdPartyAuthError,
            401,
            "UNAUTHENTICATED",
            Some("THIRD_PARTY_AUTH_ERROR"),
            vec![],
        ),
        (Outcome::Unauthenticated, 401, "UNAUTHENTICATED", None, vec![]),
    ] {
        let world = World::playing(always(outcome)).await;

        let answer = world.send(json!({ "token": "t" })).await;

        assert_eq!(answer.status, status, "{outcome:?}");
        assert_eq!(answer.body["error"]["code"], status, "{outcome:?}");
        assert_eq!(answer.body["error"]["status"], canonical, "{outcome:?}");
        assert_eq!(answer.error_code(), error_code, "{outcome:?}");
        assert_eq!(answer.fields(), fields, "{outcome:?}");
        assert_eq!(world.count(outcome).await, 1);
        assert_eq!(world.ledger(), []);
    }
}

#[tokio::test]
async fn retry_after_is_in_whole_seconds() {
    let mut script = always(Outcome::Unavailable);
    script.faults[0].retry_after = Some(Duration::from_millis(1_500));
    let world = World::playing(script).await;

    let answer = world.send(json!({ "token": "t" })).await;

    assert_eq!(answer.headers["retry-after"], "2");
}

#[tokio::test]
async fn addresses_with_a_dead_prefix_are_unregistered() {
    let world = World::playing(Script {
        dead_prefixes: vec!["dead-".to_owned()],
        ..Script::default()
    })
    .await;

    let dead = world.send(json!({ "token": "dead-1" })).await;
    let alive = world.send(json!({ "token": "alive-1" })).await;

    assert_eq!(dead.error_code(), Some("UNREGISTERED"));
    assert_eq!(alive.status, 200);
    assert_eq!(world.count(Outcome::Unregistered).await, 1);
}

#[tokio::test]
async fn a_reset_loses_the_answer_but_not_the_record() {
    let world = World::playing(always(Outcome::ResetAfterAccept)).await;

    let answer = world
        .try_post(
            json!({ "message": { "token": "t", "data": { "push_id": "p" } } }).to_string(),
            Some("Bearer b"),
        )
        .await;

    assert!(answer.is_err());
    assert_eq!(world.ledger().len(), 1);
    assert_eq!(world.ledger()[0].push_id, "p");
    assert_eq!(world.counts().await.accepted, 1);
}

#[tokio::test]
async fn a_hung_request_is_neither_answered_nor_accepted_and_does_not_hold_up_the_stop() {
    let world = World::configured(|config| {
        config.script = always(Outcome::Hang);
        config.drain = Duration::from_millis(50);
    })
    .await;
    let hung = TaskTracker::new().spawn(world.request(json!({ "token": "t" })).send());
    until("it hangs", async || world.count(Outcome::Hang).await > 0).await;

    let ledger = world.ledger();
    let unanswered = !hung.is_finished();
    world.server.stop().await;

    assert!(unanswered);
    assert!(hung.await.unwrap().is_err());
    assert_eq!(ledger, []);
}

#[tokio::test]
async fn the_script_can_be_changed_while_it_plays() {
    let world = World::new().await;
    let message = || json!({ "token": "t" });

    let before = world.send(message()).await.status;
    let changed = world
        .play(json!({ "faults": [{ "outcome": "internal", "share": 1.0, "first": 1 }] }))
        .await;
    let after = [
        world.send(message()).await.status,
        world.send(message()).await.status,
    ];
    let refused = world
        .play(json!({ "faults": [{ "outcome": "internal", "share": 2.0 }] }))
        .await;
    let unknown = world.play(json!({ "fault": [] })).await;

    assert_eq!((before, changed, after), (200, 200, [500, 200]));
    assert_eq!((refused, unknown), (400, 400));
}

#[tokio::test]
async fn a_quota_is_kept_for_each_project() {
    let world = World::playing(Script {
        quota_per_minute: Some(2),
        ..Script::default()
    })
    .await;

    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(world.send(json!({ "token": "t" })).await.status);
    }

    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn an_answer_takes_as_long_as_the_script_says() {
    let start = DateTime::UNIX_EPOCH;
    let clock = Arc::new(ManualClock::new(start));
    let world = World::configured(|config| {
        config.script.delay = Delay {
            fixed: Duration::from_secs(3_600),
            jitter: Duration::ZERO,
        };
        config.clock = clock.clone();
    })
    .await;
    let minutes_pass = async {
        loop {
            clock.advance(Duration::from_secs(60));
            world.counts().await;
        }
    };

    let answer = tokio::select! {
        answer = world.send(json!({ "token": "t" })) => answer,
        () = minutes_pass => unreachable!("it goes on for ever"),
    };

    assert_eq!(answer.status, 200);
    assert!(clock.now() - start >= TimeDelta::hours(1));
}
