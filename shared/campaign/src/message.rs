//! The message as people write it: texts by locale, and options that need no translation.
//!
//! Texts, data values, image and deep link are templates; [`crate::Templates`] compiles and
//! renders them. The push's collapse id and notification tag are not part of the message: they
//! derive from the push id, so that a device shows each push once.

use std::collections::BTreeMap;
use std::time::Duration;

use oxilangtag::LanguageTag;
use serde::{Deserialize, Serialize};

use crate::seconds;

/// The longest time for which FCM keeps a message: 4 weeks.
pub const MAX_TTL: Duration = Duration::from_secs(28 * 24 * 3_600);

/// The longest template source, in bytes. What is rendered from it has a limit of its own.
pub const MAX_TEMPLATE_BYTES: usize = 16 * 1024;

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
    /// How long a gateway keeps it for a device that cannot be reached, at most [`MAX_TTL`];
    /// none is until the push expires.
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

/// A message that cannot be sent as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageError {
    /// Which field, as a path in the message's JSON: `texts.ja.title`, `data.rank`.
    pub field: String,
    /// Where in the field's template; `None` where it is about the field as a whole.
    pub position: Option<Position>,
    /// What is wrong there.
    pub reason: String,
}

/// A place in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in that line, in characters, from 1.
    pub column: usize,
}

impl std::error::Error for MessageError {}

impl std::fmt::Display for MessageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.field)?;
        if let Some(Position { line, column }) = self.position {
            write!(f, ", line {line}, column {column}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl MessageError {
    /// An error about a field as a whole.
    pub(crate) fn of_field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            position: None,
            reason: reason.into(),
        }
    }
}

/// `Ok` if it holds, else the error about that field.
fn check(holds: bool, field: &str, reason: &str) -> Result<(), MessageError> {
    if holds {
        Ok(())
    } else {
        Err(MessageError::of_field(field, reason))
    }
}

impl Message {
    /// Checks everything but the language of the templates, and names the first field that is
    /// wrong. [`crate::Templates::compile`] checks this too.
    pub fn validate(&self) -> Result<(), MessageError> {
        self.validate_locales()?;
        self.validate_sources()?;
        self.validate_data_keys()?;
        check(
            self.sound.as_deref() != Some(""),
            "sound",
            "must not be empty: leave it out for a silent push",
        )?;
        check(
            self.channel.as_deref() != Some(""),
            "channel",
            "must not be empty",
        )?;
        check(
            self.ttl.is_none_or(|ttl| ttl <= MAX_TTL),
            "ttl_seconds",
            "must be at most 2419200 (4 weeks)",
        )
    }

    fn validate_locales(&self) -> Result<(), MessageError> {
        check(
            self.texts.contains_key(&self.default_locale),
            "default_locale",
            "must be one of the locales of `texts`",
        )?;
        for locale in self.texts.keys() {
            let field = format!("texts.{locale}");
            let well_formed = LanguageTag::parse(locale.as_str()).is_ok();
            check(well_formed, &field, "must be a well-formed BCP 47 language tag")?;
            let same = |other: &&String| other.eq_ignore_ascii_case(locale);
            let unique = self.texts.keys().filter(same).count() == 1;
            check(
                unique,
                &field,
                "is there twice: case does not count in language tags",
            )?;
        }
        Ok(())
    }

    fn validate_sources(&self) -> Result<(), MessageError> {
        for source in self.sources() {
            let short_enough = source.template.len() <= MAX_TEMPLATE_BYTES;
            check(short_enough, &source.field(), "must be at most 16384 bytes")?;
            let missing =
                matches!(source.part, Part::Title | Part::Body) && source.template.trim().is_empty();
            check(!missing, &source.field(), "must not be empty")?;
        }
        Ok(())
    }

    fn validate_data_keys(&self) -> Result<(), MessageError> {
        for key in self.data.keys() {
            let field = format!("data.{key}");
            check(!key.is_empty(), &field, "must have a key")?;
            check(
                !is_reserved(key),
                &field,
                "is reserved by FCM: keys may not be `from`, `gcm` or begin with `google`",
            )?;
        }
        Ok(())
    }

    /// Every template of the message, with its place.
    pub(crate) fn sources(&self) -> impl Iterator<Item = Source<'_>> {
        let texts = self.texts.iter().flat_map(|(locale, texts)| {
            [
                (Part::Title, Some(&texts.title)),
                (Part::Body, Some(&texts.body)),
                (Part::Image, texts.image.as_ref()),
                (Part::DeepLink, texts.deep_link.as_ref()),
            ]
            .into_iter()
            .filter_map(move |(part, template)| {
                Some(Source {
                    locale: Some(locale),
                    part,
                    template: template?,
                })
            })
        });
        let data = self.data.iter().map(|(key, template)| Source {
            locale: None,
            part: Part::Data(key),
            template,
        });
        texts.chain(data)
    }
}

/// One template of a message and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    /// The locale of a text; `None` for data.
    pub(crate) locale: Option<&'a str>,
    pub(crate) part: Part<'a>,
    pub(crate) template: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Title,
    Body,
    Image,
    DeepLink,
    Data(&'a str),
}

impl Source<'_> {
    /// Its path in the message's JSON.
    pub(crate) fn field(&self) -> String {
        let name = match self.part {
            Part::Title => "title",
            Part::Body => "body",
            Part::Image => "image",
            Part::DeepLink => "deep_link",
            Part::Data(key) => return format!("data.{key}"),
        };
        match self.locale {
            Some(locale) => format!("texts.{locale}.{name}"),
            None => name.to_owned(),
        }
    }
}

/// Keys that FCM keeps for itself.
fn is_reserved(key: &str) -> bool {
    key == "from" || key == "gcm" || key.starts_with("google")
}
