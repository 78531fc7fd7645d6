//! The message as FCM wants it.
//!
//! What makes a second delivery invisible derives from the push id: the Android notification's
//! tag and the APNs collapse id.

use campaign::{Priority, RenderedMessage};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::outgoing::Outgoing;

/// Most bodies fit in so many bytes.
const USUAL_BYTES: usize = 1_024;

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// A registration token.
    Token(&'a str),
    /// A Firebase installation id.
    InstallationId(&'a str),
}

/// The request's body, `{"validate_only": …, "message": {…}}`.
pub(super) fn body(address: Address<'_>, outgoing: &Outgoing<'_>, validate_only: bool) -> Vec<u8> {
    let Outgoing {
        push,
        message,
        time_to_live,
    } = *outgoing;
    let (mut id, mut shown_as) = (Uuid::encode_buffer(), Uuid::encode_buffer());
    let id = &*push.0.hyphenated().encode_lower(&mut id);
    let shown_as = &*outgoing.shown_as().hyphenated().encode_lower(&mut shown_as);
    let (token, fid) = match address {
        Address::Token(token) => (Some(token), None),
        Address::InstallationId(fid) => (None, Some(fid)),
    };
    let high = matches!(message.priority, Priority::High);
    let body = Body {
        validate_only,
        message: Message {
            token,
            fid,
            notification: Notification {
                title: &message.title,
                body: &message.body,
                image: message.image.as_deref(),
            },
            android: Android {
                priority: if high { "HIGH" } else { "NORMAL" },
                ttl: Seconds(time_to_live.as_secs()),
                notification: AndroidNotification {
                    tag: shown_as,
                    channel_id: message.channel.as_deref(),
                    sound: message.sound.as_deref(),
                    notification_count: message.badge,
                },
            },
            apns: Apns {
                headers: ApnsHeaders {
                    collapse_id: shown_as,
                    priority: if high { "10" } else { "5" },
                },
                payload: ApnsPayload {
                    aps: Aps {
                        sound: message.sound.as_deref(),
                        badge: message.badge,
                    },
                },
            },
            data: Data { id, message },
        },
    };
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    serde_json::to_writer(&mut bytes, &body).expect("texts and numbers serialise");
    bytes
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    validate_only: bool,
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fid: Option<&'a str>,
    notification: Notification<'a>,
    data: Data<'a>,
    android: Android<'a>,
    apns: Apns<'a>,
}

/// What the app is given: the message's own pairs and ours, which replace those of the same name.
struct Data<'a> {
    id: &'a str,
    message: &'a RenderedMessage,
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let link = self.message.deep_link.as_deref();
        let is_ours = |key: &str| key == "push_id" || (key == "deep_link" && link.is_some());
        let mut pairs = serializer.serialize_map(None)?;
        for (key, value) in self.message.data.iter().filter(|(key, _)| !is_ours(key)) {
            pairs.serialize_entry(key, value)?;
        }
        pairs.serialize_entry("push_id", self.id)?;
        if let Some(link) = link {
            pairs.serialize_entry("deep_link", link)?;
        }
        pairs.end()
    }
}

/// A time as protocol buffers have it in JSON.
struct Seconds(u64);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}s", self.0))
    }
}

#[derive(Serialize)]
struct Notification<'a> {
    title: &'a str,
    body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
}

#[derive(Serialize)]
struct Android<'a> {
    priority: &'static str,
    ttl: Seconds,
    notification: AndroidNotification<'a>,
}

#[derive(Serialize)]
struct AndroidNotification<'a> {
    tag: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_count: Option<u32>,
}

#[derive(Serialize)]
struct Apns<'a> {
    headers: ApnsHeaders<'a>,
    payload: ApnsPayload<'a>,
}

#[derive(Serialize)]
struct ApnsHeaders<'a> {
    #[serde(rename = "apns-collapse-id")]
    collapse_id: &'a str,
    #[serde(rename = "apns-priority")]
    priority: &'static str,
}

#[derive(Serialize)]
struct ApnsPayload<'a> {
    aps: Aps<'a>,
}

#[derive(Serialize)]
struct Aps<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<u32>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use campaign::{CampaignId, PushId};
    use serde_json::{Value, json};

    use super::*;

    fn sent(message: &RenderedMessage) -> Value {
        let outgoing = Outgoing {
            push: PushId::of(CampaignId(Uuid::nil()), "u1"),
            message,
            time_to_live: Duration::from_secs(90),
        };
        let body = body(Address::Token("a\"b"), &outgoing, false);
        // As text too: a reader of JSON does not tell that a key was there twice.
        let keys = String::from_utf8(body.clone()).unwrap();
        assert_eq!(keys.matches("\"push_id\":").count(), 1, "{keys}");
        assert!(keys.matches("\"deep_link\":").count() <= 1, "{keys}");
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn our_own_data_replace_the_messages_of_the_same_name() {
        let pairs = [("deep_link", "theirs"), ("push_id", "theirs"), ("rank", "7")];
        let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut message = RenderedMessage {
            data: pairs.into(),
            ..RenderedMessage::default()
        };
        let id = PushId::of(CampaignId(Uuid::nil()), "u1").to_string();

        let without_link = sent(&message);
        message.deep_link = Some("app://ours".to_owned());
        let with_link = sent(&message);

        assert_eq!(
            without_link["message"]["data"],
            json!({"deep_link": "theirs", "push_id": id, "rank": "7"})
        );
        assert_eq!(
            with_link["message"]["data"],
            json!({"deep_link": "app://ours", "push_id": id, "rank": "7"})
        );
        assert_eq!(with_link["message"]["token"], "a\"b");
        assert_eq!(with_link["message"]["android"]["ttl"], "90s");
    }
}
