//! The message as people write it: texts by locale, and options that need no translation.
//!
//! Texts, data values, image and deep link are templates; [`crate::Templates`] compiles and
//! renders them. The push's collapse id and notification tag are not part of the message: they
//! derive from the push id, so that a device shows each push once.

mod source;
mod validate;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::seconds;

pub(crate) use source::{Part, Source};
pub use validate::{MessageError, Position};

/// The longest time for which FCM keeps a message: 4 weeks.
pub(crate) const MAX_TTL: Duration = Duration::from_secs(28 * 24 * 3_600);

/// The longest template source, in bytes. What is rendered from it has a limit of its own.
const MAX_TEMPLATE_BYTES: usize = 16 * 1024;

/// A campaign's message.
///
/// ```json
/// {"default_locale": "ja",
///  "texts": {"ja": {"title": "{{ name }}さんへ", "body": "クーポンをどうぞ"},
///            "en": {"title": "For {{ name }}", "body": "A coupon for you"}},
///  "data": {"rank": "{{ rank }}"},
///  "channel": "coupons", "ttl_seconds": 86400, "priority": "normal"}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The locale of recipients who name none, or one that no text fits. A key of `texts`.
    pub default_locale: String,
    /// The texts by locale, a well-formed BCP 47 tag.
    pub texts: BTreeMap<String, Texts>,
    /// Key and value template pairs for the app.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
    /// The sound's name in the app, or `default`; none is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
    /// The number on the app's icon; none leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub badge: Option<u32>,
    /// The id of the Android notification channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// How long a gateway keeps it for a device that cannot be reached, at most 4 weeks; none is
    /// until the push expires.
    #[serde(
        default,
        rename = "ttl_seconds",
        with = "seconds::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub ttl: Option<Duration>,
    /// How much it may disturb a sleeping device.
    #[serde(default)]
    pub priority: Priority,
}

/// The texts of one locale, each a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// The headline.
    pub title: String,
    /// The text below it.
    pub body: String,
    /// The https URL of a picture. Left out of a push for which it renders empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What the app opens. Left out of a push for which it renders empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deep_link: Option<String>,
}

/// How much a push may disturb a sleeping device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Shown at once.
    #[default]
    High,
    /// Shown when the device is awake.
    Normal,
}
