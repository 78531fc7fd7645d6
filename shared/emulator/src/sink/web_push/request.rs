//! What makes a request a valid one (RFC 8030, 5).

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::Refusal;

/// The most bytes of an encrypted message (RFC 8030, 7.2).
pub(super) const LARGEST_BODY: usize = 4_096;

pub(super) const TOO_LARGE: Refusal =
    Refusal(StatusCode::PAYLOAD_TOO_LARGE, "a message has at most 4096 bytes");

/// Checks what is said beside the message.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let ttl = value("ttl").ok_or(Refusal::bad("TTL is missing"))?;
    let seconds = !ttl.is_empty() && ttl.bytes().all(|byte| byte.is_ascii_digit());
    let urgencies = ["very-low", "low", "normal", "high"];
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let topical = |topic: &str| (1..=32).contains(&topic.len()) && topic.bytes().all(base64url);
    let rules = [
        ("TTL must be whole seconds", seconds),
        (
            "Urgency must be one of very-low, low, normal and high",
            value("urgency").is_none_or(|urgency| urgencies.contains(&urgency)),
        ),
        (
            "Topic must be 1 to 32 characters of base64url",
            value("topic").is_none_or(topical),
        ),
        (
            "Content-Encoding must be aes128gcm",
            value("content-encoding") == Some("aes128gcm"),
        ),
    ];
    match rules.into_iter().find(|(_, kept)| !kept) {
        Some((rule, _)) => Err(Refusal::bad(rule)),
        None => Ok(()),
    }
}

/// `push_id` of a message in JSON, if it is one that has it.
pub(super) fn push_id(plaintext: &[u8]) -> Option<String> {
    let message = serde_json::from_slice::<Value>(plaintext).ok()?;
    Some(message.get("push_id")?.as_str()?.to_owned())
}
