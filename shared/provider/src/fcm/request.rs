//! The message as FCM wants it.
//!
//! What makes a second delivery invisible derives from the push id: the Android notification's
//! tag and the APNs collapse id.

use std::collections::BTreeMap;

use campaign::Priority;
use serde::Serialize;

use crate::outgoing::Outgoing;

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
    let id = push.to_string();
    let shown_as = &*outgoing.shown_as().to_string();
    let (token, fid) = match address {
        Address::Token(token) => (Some(token), None),
        Address::InstallationId(fid) => (None, Some(fid)),
    };
    let mut data = message
        .data
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect::<BTreeMap<_, _>>();
    data.insert("push_id", &id);
    if let Some(link) = &message.deep_link {
        data.insert("deep_link", link);
    }
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
                ttl: format!("{}s", time_to_live.as_secs()),
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
            data,
        },
    };
    serde_json::to_vec(&body).expect("texts and numbers serialise")
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
    data: BTreeMap<&'a str, &'a str>,
    android: Android<'a>,
    apns: Apns<'a>,
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
    ttl: String,
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
