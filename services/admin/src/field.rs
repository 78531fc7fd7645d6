//! Rules of single fields that several requests have.

use chrono::{DateTime, Datelike, Utc};

use crate::error::Error;

/// A name for people: 1 to 255 characters, no control characters.
pub(crate) fn check_name(field: &str, name: &str) -> Result<(), Error> {
    if name.trim().is_empty() || name.chars().count() > 255 || name.chars().any(char::is_control) {
        return Err(Error::invalid(
            field,
            "must be 1 to 255 characters, none of them a control character",
        ));
    }
    Ok(())
}

/// An instant that every store can keep: of the years 1970 to 9999.
pub(crate) fn check_instant(field: &str, instant: Option<DateTime<Utc>>) -> Result<(), Error> {
    match instant {
        Some(instant) if !(1970..=9999).contains(&instant.year()) => {
            Err(Error::invalid(field, "must be of the years 1970 to 9999"))
        }
        Some(_) | None => Ok(()),
    }
}
