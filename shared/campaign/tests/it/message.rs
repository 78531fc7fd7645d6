//! The message as people write it, right and wrong.

use campaign::{Message, Priority};
use serde_json::{Value, json};

fn message() -> Value {
    json!({
        "default_locale": "ja",
        "texts": {
            "ja": {"title": "{{ name }}さんへ", "body": "クーポンをどうぞ"},
            "en": {"title": "For {{ name }}", "body": "A coupon for you",
                   "image": "https://example.com/a.png", "deep_link": "app://coupons"},
        },
        "data": {"rank": "{{ rank }}"},
        "channel": "coupons", "badge": 1, "ttl_seconds": 86400, "priority": "normal",
    })
}

/// The message with one place of it replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut message = message();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = message.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    parent.insert(key.to_owned(), value);
    message
}

fn refusal(message: Value) -> String {
    let message: Message = serde_json::from_value(message).unwrap();
    message.validate().unwrap_err().to_string()
}

#[test]
fn a_message_is_plain_json_there_and_back() {
    let written: Message = serde_json::from_value(message()).unwrap();

    assert_eq!(written.validate(), Ok(()));
    assert_eq!(written.priority, Priority::Normal);
    assert_eq!(written.ttl.unwrap().as_secs(), 86_400);
    assert_eq!(json!(written), message());
}

#[test]
fn options_may_be_left_out() {
    let message: Message = serde_json::from_value(json!({
        "default_locale": "en", "texts": {"en": {"title": "Hello", "body": "World"}},
    }))
    .unwrap();

    assert_eq!(message.validate(), Ok(()));
    assert_eq!(
        (message.priority, message.ttl, message.badge),
        (Priority::High, None, None)
    );
}

#[test]
fn a_field_that_there_is_not_is_told() {
    for pointer in ["/colour", "/texts/ja/subtitle"] {
        let error = serde_json::from_value::<Message>(with(pointer, json!("x"))).unwrap_err();

        assert!(error.to_string().starts_with("unknown field"), "{error}");
    }
}

#[test]
fn a_refusal_names_the_field() {
    assert_eq!(
        refusal(with("/default_locale", json!("fr"))),
        "default_locale: must be one of the locales of `texts`"
    );
    assert_eq!(
        refusal(with("/texts/not a locale", json!({"title": "a", "body": "b"}))),
        "texts.not a locale: must be a well-formed BCP 47 language tag"
    );
    assert_eq!(
        refusal(with("/texts/EN", json!({"title": "a", "body": "b"}))),
        "texts.EN: is there twice: case does not count in language tags"
    );
    assert_eq!(
        refusal(with("/texts/ja/body", json!(" "))),
        "texts.ja.body: must not be empty"
    );
    assert_eq!(
        refusal(with("/texts/ja/title", json!("x".repeat(16_385)))),
        "texts.ja.title: must be at most 16384 bytes"
    );
    assert_eq!(
        refusal(with("/ttl_seconds", json!(2_419_201))),
        "ttl_seconds: must be at most 2419200 (4 weeks)"
    );
    assert_eq!(refusal(with("/channel", json!(""))), "channel: must not be empty");
}

#[test]
fn keys_that_gateways_keep_for_themselves_are_refused() {
    for key in ["from", "gcm", "google", "google.ttl"] {
        let refusal = refusal(with(&format!("/data/{key}"), json!("x")));

        assert!(
            refusal.starts_with(&format!("data.{key}: is reserved by FCM")),
            "{refusal}"
        );
    }
    assert_eq!(
        refusal(with("/data/aps", json!("x"))),
        "data.aps: is reserved by APNs"
    );
}
