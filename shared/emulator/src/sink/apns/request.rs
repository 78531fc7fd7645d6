//! What makes a request a valid one.

use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use super::problem::Problem;

/// The most bytes of payload.
const PAYLOAD: usize = 4_096;

const PUSH_TYPES: [&str; 11] = [
    "alert",
    "background",
    "complication",
    "controls",
    "fileprovider",
    "liveactivity",
    "location",
    "mdm",
    "pushtotalk",
    "voip",
    "widgets",
];

/// Headers of which there may be one.
const ONCE: [&str; 6] = [
    "apns-id",
    "apns-topic",
    "apns-collapse-id",
    "apns-expiration",
    "apns-priority",
    "apns-push-type",
];

#[derive(Debug, Deserialize)]
struct Payload {
    aps: serde_json::Map<String, Value>,
    #[serde(default)]
    push_id: Option<String>,
}

/// Checks the address and what is said beside it.
pub(super) fn check(address: &str, headers: &HeaderMap) -> Result<(), Problem> {
    if address.is_empty() {
        return Err(Problem::PATH);
    }
    let hexadecimal = address.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hexadecimal || address.len() < 64 || !address.len().is_multiple_of(2) {
        return Err(Problem::bad("BadDeviceToken"));
    }
    if ONCE.iter().any(|name| headers.get_all(*name).iter().count() > 1) {
        return Err(Problem::bad("DuplicateHeaders"));
    }
    let value = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let topic = value("apns-topic").ok_or(Problem::bad("MissingTopic"))?;
    let topics = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let faults = [
        ("BadTopic", !topic.is_empty() && topic.bytes().all(topics)),
        (
            "InvalidPushType",
            value("apns-push-type").is_none_or(|kind| PUSH_TYPES.contains(&kind)),
        ),
        ("BadMessageId", value("apns-id").is_none_or(is_uuid)),
        (
            "BadCollapseId",
            value("apns-collapse-id").is_none_or(|id| (1..=64).contains(&id.len())),
        ),
        (
            "BadPriority",
            value("apns-priority").is_none_or(|priority| ["1", "5", "10"].contains(&priority)),
        ),
        (
            "BadExpirationDate",
            value("apns-expiration").is_none_or(|at| at.parse::<u64>().is_ok()),
        ),
    ];
    match faults.into_iter().find(|(_, good)| !good) {
        Some((reason, _)) => Err(Problem::bad(reason)),
        None => Ok(()),
    }
}

/// The payload's own name for the push, if it has one.
pub(super) fn push_id(body: &[u8]) -> Result<Option<String>, Problem> {
    if body.is_empty() {
        return Err(Problem::bad("PayloadEmpty"));
    }
    if body.len() > PAYLOAD {
        return Err(Problem::TOO_LARGE);
    }
    let payload: Payload = serde_json::from_slice(body).map_err(|_| Problem::bad("PayloadEmpty"))?;
    if payload.aps.is_empty() {
        return Err(Problem::bad("PayloadEmpty"));
    }
    Ok(payload.push_id)
}

/// The id that the request has, if it has a good one.
pub(super) fn id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("apns-id")?.to_str().ok()?;
    is_uuid(id).then(|| id.to_owned())
}

fn is_uuid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| {
            if dashes.contains(&place) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        })
}
