//! What a message must be, and what is remembered of it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use emulator::clock::ManualClock;
use emulator::sink::ledger::Entry;
use serde_json::{Value, json};

use super::world::World;

fn full_message() -> Value {
    json!({
        "token": "device-1",
        "data": { "push_id": "p-1", "attempt": "2", "deepLink": "app://offer" },
        "notification": { "title": "Hello", "body": "A coupon \"for you\"", "image": "https://example.com/i.png" },
        "android": {
            "collapse_key": "k",
            "priority": "high",
            "ttl": "86400s",
            "restrictedPackageName": "com.example",
            "notification": { "tag": "offer-1", "channel_id": "offers", "sound": "default", "notificationCount": 1 },
            "fcm_options": { "analytics_label": "l" },
        },
        "apns": {
            "headers": { "apns-priority": "10" },
            "payload": { "aps": { "badge": 1, "sound": "default" } },
        },
        "webpush": { "headers": { "TTL": "60" }, "fcm_options": { "link": "https://example.com" } },
        "fcmOptions": { "analyticsLabel": "l" },
    })
}

#[tokio::test]
async fn an_accepted_message_is_named_and_written_down() {
    let now = DateTime::UNIX_EPOCH + TimeDelta::microseconds(1_234_567);
    let world = World::configured(|config| config.clock = Arc::new(ManualClock::new(now))).await;

    let answer = world.send(full_message()).await;

    assert_eq!(answer.status, 200);
    assert!(
        answer.body["name"]
            .as_str()
            .unwrap()
            .starts_with("projects/demo/messages/")
    );
    let expected = Entry {
        push_id: "p-1".to_owned(),
        address: "device-1".to_owned(),
        collapse_id: Some("offer-1".to_owned()),
        attempt: Some(2),
        received_at: now,
    };
    assert_eq!(world.ledger(), [expected]);
}

#[tokio::test]
async fn every_kind_of_target_is_taken_but_exactly_one() {
    let world = World::new().await;

    for field in ["fid", "token", "topic", "condition"] {
        assert_eq!(world.send(json!({ field: "t" })).await.status, 200, "{field}");
    }
    let none = world.send(json!({ "data": {} })).await;
    let two = world.send(json!({ "token": "t", "topic": "t" })).await;
    let empty = world.send(json!({ "token": "" })).await;

    assert_eq!(none.fields(), ["message"]);
    assert_eq!(two.fields(), ["message.topic"]);
    assert_eq!(empty.fields(), ["message.token"]);
    assert_eq!(world.ledger().len(), 4);
}

#[tokio::test]
async fn a_message_that_is_not_valid_is_refused_with_its_field() {
    let world = World::new().await;
    let with = |part: Value| {
        let mut message = json!({ "token": "t" });
        message
            .as_object_mut()
            .unwrap()
            .extend(part.as_object().unwrap().clone());
        message
    };

    for (part, field) in [
        (json!({ "data": { "from": "x" } }), "message.data[from]"),
        (json!({ "data": { "gcm": "x" } }), "message.data[gcm]"),
        (
            json!({ "data": { "google.thing": "x" } }),
            "message.data[google.thing]",
        ),
        (json!({ "data": { "count": 1 } }), "message.data.count"),
        (json!({ "unheard_of": 1 }), "message.unheard_of"),
        (json!({ "android": { "ttl": "60" } }), "message.android.ttl"),
        (json!({ "android": { "ttl": "2419201s" } }), "message.android.ttl"),
        (
            json!({ "android": { "priority": "urgent" } }),
            "message.android.priority",
        ),
        (
            json!({ "android": { "notification": { "proxy": "MAYBE" } } }),
            "message.android.notification.proxy",
        ),
        (
            json!({ "android": { "notification": { "colour": "#fff" } } }),
            "message.android.notification.colour",
        ),
        (
            json!({ "notification": { "title": 5 } }),
            "message.notification.title",
        ),
        (json!({ "apns": { "payload": "text" } }), "message.apns.payload"),
        (json!({ "data": { "long": "x".repeat(4_093) } }), "message"),
    ] {
        let answer = world.send(with(part.clone())).await;

        assert_eq!(answer.status, 400, "{part}");
        assert_eq!(answer.fields(), [field], "{part}");
        assert_eq!(answer.error_code(), None, "{part}");
        assert_eq!(answer.body["error"]["status"], "INVALID_ARGUMENT");
        assert_eq!(answer.body["error"]["code"], 400);
    }
    assert_eq!(world.ledger(), []);
    assert_eq!(world.counts().await.invalid, 13);
}

#[tokio::test]
async fn what_is_no_json_or_has_unknown_fields_around_the_message_is_refused() {
    let world = World::new().await;

    let torn = world
        .try_post("{\"message\": {".to_owned(), Some("Bearer b"))
        .await
        .unwrap();
    let behind = world
        .try_post("{\"message\":{\"token\":\"t\"}}x".to_owned(), Some("Bearer b"))
        .await
        .unwrap();
    let around = world
        .post(json!({ "message": { "token": "t" }, "priority": "high" }))
        .await;
    let huge = world.send(json!({ "token": "t".repeat(70_000) })).await;

    for answer in [torn, behind, around, huge] {
        assert_eq!(answer.status, 400);
        assert_eq!(answer.fields().len(), 1);
    }
}

#[tokio::test]
async fn a_dry_run_is_checked_and_not_written_down() {
    let world = World::new().await;

    let good = world
        .post(json!({ "validate_only": true, "message": full_message() }))
        .await;
    let bad = world.post(json!({ "validateOnly": true, "message": {} })).await;

    assert_eq!(good.status, 200);
    assert_eq!(good.body["name"], "projects/demo/messages/fake_message_id");
    assert_eq!(bad.status, 400);
    assert_eq!(world.ledger(), []);
    assert_eq!(world.counts().await.validated, 1);
}

#[tokio::test]
async fn a_bearer_token_is_required_and_the_right_one_if_one_is_set() {
    let any = World::new().await;
    let one = World::configured(|config| config.bearer = Some("right".to_owned())).await;
    let message = json!({ "message": { "token": "t" } }).to_string();

    for (world, authorization, status) in [
        (&any, None, 401),
        (&any, Some("Bearer "), 401),
        (&any, Some("Basic abc"), 401),
        (&any, Some("Bearer anything"), 200),
        (&one, Some("Bearer wrong"), 401),
        (&one, Some("Bearer right"), 200),
    ] {
        let answer = world.try_post(message.clone(), authorization).await.unwrap();

        assert_eq!(answer.status, status, "{authorization:?}");
        if status == 401 {
            assert_eq!(answer.body["error"]["status"], "UNAUTHENTICATED");
            assert_eq!(answer.error_code(), None);
        }
    }
}
