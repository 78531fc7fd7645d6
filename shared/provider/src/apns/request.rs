//! The message as APNs wants it, and the address that it goes to.

use std::collections::BTreeMap;

use campaign::Priority;
use serde::{Deserialize, Serialize};

use crate::outgoing::Outgoing;

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// The device token, in hexadecimal.
    pub token: &'a str,
    /// The app's bundle id; `None` is the configured one.
    pub topic: Option<&'a str>,
    /// Which of Apple's services knows the device.
    pub environment: Environment,
}

/// Which of Apple's services knows a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Apps from the store and from TestFlight.
    #[default]
    Production,
    /// Apps that a developer has put on the device.
    Sandbox,
}

/// What is wrong with an address: the part, and the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// The token.
    Token(&'static str),
    /// The topic.
    Topic(&'static str),
}

/// Apple says that tokens may grow; they have 64 digits, and fewer than this.
const MAX_TOKEN: usize = 200;
const MAX_TOPIC: usize = 255;

impl Address<'_> {
    /// Whether it can be an address at all.
    pub fn check(&self) -> Result<(), AddressError> {
        let token = self.token.as_bytes();
        if token.len() < 64
            || token.len() > MAX_TOKEN
            || !token.len().is_multiple_of(2)
            || !token.iter().all(u8::is_ascii_hexdigit)
        {
            return Err(AddressError::Token(
                "must be a device token in hexadecimal: 64 digits or more",
            ));
        }
        let good = |topic: &str| {
            (1..=MAX_TOPIC).contains(&topic.len())
                && topic
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        };
        if self.topic.is_some_and(|topic| !good(topic)) {
            return Err(AddressError::Topic(
                "must be a bundle id: 1 to 255 letters, digits, dots and hyphens",
            ));
        }
        Ok(())
    }
}

/// The value of `apns-priority`.
pub(super) fn priority(outgoing: &Outgoing<'_>) -> &'static str {
    match outgoing.message.priority {
        Priority::High => "10",
        Priority::Normal => "5",
    }
}

/// The request's body. What the app is told besides stands beside `aps`.
pub(super) fn body(outgoing: &Outgoing<'_>) -> Vec<u8> {
    let message = outgoing.message;
    let push_id = outgoing.push.to_string();
    let mut custom = message
        .data
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect::<BTreeMap<_, _>>();
    custom.insert("push_id", &push_id);
    if let Some(link) = &message.deep_link {
        custom.insert("deep_link", link);
    }
    if let Some(image) = &message.image {
        custom.insert("image", image);
    }
    // Apple's own, which no campaign's message may have.
    custom.remove("aps");
    let body = Body {
        aps: Aps {
            alert: Alert {
                title: &message.title,
                body: &message.body,
            },
            sound: message.sound.as_deref(),
            badge: message.badge,
            // Only then has an extension of the app anything to fetch.
            mutable_content: message.image.is_some().then_some(1),
        },
        custom,
    };
    serde_json::to_vec(&body).expect("texts and numbers serialise")
}

#[derive(Serialize)]
struct Body<'a> {
    aps: Aps<'a>,
    #[serde(flatten)]
    custom: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Aps<'a> {
    alert: Alert<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutable_content: Option<u8>,
}

#[derive(Serialize)]
struct Alert<'a> {
    title: &'a str,
    body: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_hexadecimal_and_a_topic_a_bundle_id() {
        let token = "0a".repeat(32);
        let check = |token: &str, topic: Option<&str>| {
            let environment = Environment::Production;
            Address {
                token,
                topic,
                environment,
            }
            .check()
        };

        assert_eq!(check(&token, None), Ok(()));
        assert_eq!(check(&token.repeat(2), Some("com.example.app-1")), Ok(()));
        for wrong in ["", "0a", &"0g".repeat(32), &"0a".repeat(101), &token[1..]] {
            assert!(
                matches!(check(wrong, None), Err(AddressError::Token(_))),
                "{wrong}"
            );
        }
        for wrong in ["", "com example", "a\nb"] {
            assert!(
                matches!(check(&token, Some(wrong)), Err(AddressError::Topic(_))),
                "{wrong}"
            );
        }
    }
}
