//! What one recipient is told: the same words as in `tests/bench/peers`.

use campaign::{CampaignId, Message, PushId, Templates};
use serde_json::json;
use uuid::Uuid;

/// The message to everybody.
pub(super) fn templates() -> anyhow::Result<Templates> {
    let message = json!({
        "default_locale": "en",
        "texts": {"en": {
            "title": "For {{ name }}",
            "body": "{{ name }}, your ride home is 20 % off until midnight. Show this at the door.",
            "deep_link": "app://coupons/today",
        }},
        "channel": "campaigns",
        "priority": "high",
    });
    let message = serde_json::from_value::<Message>(message)?;
    Ok(Templates::compile(&message, Some(&["name".to_owned()]))?)
}

/// The name of one of them.
pub(super) fn name(no: u64) -> String {
    format!("User {no}")
}

/// A registration token of the length that Firebase gives out.
pub(super) fn token(no: u64) -> String {
    let no = no.to_string();
    [
        "a".repeat(22 - no.len()).as_str(),
        &no,
        ":APA91b",
        &"x".repeat(134),
    ]
    .concat()
}

/// The push to one of them.
pub(super) fn push(no: u64) -> PushId {
    PushId::of(CampaignId(Uuid::nil()), &no.to_string())
}
