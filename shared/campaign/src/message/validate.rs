//! What a message may not be, and how that is told: the first field that is wrong, by its path.

use oxilangtag::LanguageTag;

use super::{MAX_TEMPLATE_BYTES, MAX_TTL, Message, Part};

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
            check(short_enough, &source.field, "must be at most 16384 bytes")?;
            let missing =
                matches!(source.part, Part::Title | Part::Body) && source.template.trim().is_empty();
            check(!missing, &source.field, "must not be empty")?;
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
            check(key != "aps", &field, "is reserved by APNs")?;
        }
        Ok(())
    }
}

/// Keys that FCM keeps for itself.
fn is_reserved(key: &str) -> bool {
    key == "from" || key == "gcm" || key.starts_with("google")
}
