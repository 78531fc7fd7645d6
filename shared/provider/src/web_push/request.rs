//! The message as a service worker reads it, once it is decrypted.

use std::collections::BTreeMap;

use campaign::Priority;
use serde::Serialize;

use crate::outgoing::Outgoing;

/// The value of `Urgency`.
pub(super) fn urgency(outgoing: &Outgoing<'_>) -> &'static str {
    match outgoing.message.priority {
        Priority::High => "high",
        Priority::Normal => "normal",
    }
}

/// The message as JSON. A notification shown under its `tag` replaces a first delivery's.
pub(super) fn plaintext(outgoing: &Outgoing<'_>) -> Vec<u8> {
    let message = outgoing.message;
    let plaintext = Plaintext {
        push_id: outgoing.push.to_string(),
        tag: outgoing.shown_as().to_string(),
        title: &message.title,
        body: &message.body,
        image: message.image.as_deref(),
        deep_link: message.deep_link.as_deref(),
        badge: message.badge,
        data: &message.data,
    };
    serde_json::to_vec(&plaintext).expect("texts and numbers serialise")
}

#[derive(Serialize)]
struct Plaintext<'a> {
    push_id: String,
    tag: String,
    title: &'a str,
    body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deep_link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<u32>,
    data: &'a BTreeMap<String, String>,
}
