//! The rules of a row, in the order in which they are checked.

use chrono_tz::Tz;
use oxilangtag::LanguageTag;

use super::header::Columns;
use super::records::Record;
use crate::{Recipient, Rejection, Variables};

/// The longest user id, in bytes of UTF-8.
const MAX_USER_ID_BYTES: usize = 128;

/// The most that a row's variables have, in bytes of UTF-8 of all their values.
const MAX_VARIABLES_BYTES: usize = 2_048;

/// The longest locale, in bytes: a well-formed tag may be of any length.
const MAX_LOCALE_BYTES: usize = 128;

/// Checks rows, and holds the values of the current one and what it has learnt from others.
#[derive(Debug, Default)]
pub(super) struct Rules {
    values: String,
    ends: Vec<u32>,
    /// The time zone and the locale last found right: neighbours mostly have the same.
    zone: Option<(String, Tz)>,
    locale: String,
}

impl Rules {
    /// Whether the record is a recipient. Duplicates are not looked for.
    pub(super) fn check<'a>(
        &'a mut self,
        record: &Record<'a>,
        columns: &'a Columns,
    ) -> Result<Recipient<'a>, Rejection> {
        if record.count != columns.header.len() {
            return Err(Rejection::FieldCount);
        }
        let field = |position: usize| record.field(position).unwrap_or_default();
        let user_id = check_user_id(field(columns.user_id))?;
        let time_zone = self.check_time_zone(columns.time_zone.map_or("", field))?;
        let locale = self.check_locale(columns.locale.map_or("", field))?;
        self.values.clear();
        self.ends.clear();
        for position in &columns.variables {
            self.values.push_str(field(*position));
            if self.values.len() > MAX_VARIABLES_BYTES {
                return Err(Rejection::VariablesTooLarge);
            }
            self.ends.push(self.values.len() as u32);
        }
        Ok(Recipient {
            user_id,
            time_zone,
            locale,
            variables: Variables::new(&columns.names, &self.values, 0, &self.ends),
        })
    }

    fn check_time_zone(&mut self, name: &str) -> Result<Option<Tz>, Rejection> {
        if name.is_empty() {
            return Ok(None);
        }
        if let Some((known, zone)) = &self.zone
            && known == name
        {
            return Ok(Some(*zone));
        }
        let zone: Tz = name.parse().map_err(|_| Rejection::UnknownTimeZone)?;
        self.zone = Some((name.to_owned(), zone));
        Ok(Some(zone))
    }

    fn check_locale<'a>(&mut self, tag: &'a str) -> Result<Option<&'a str>, Rejection> {
        if tag.is_empty() {
            return Ok(None);
        }
        if self.locale != tag {
            if tag.len() > MAX_LOCALE_BYTES || LanguageTag::parse(tag).is_err() {
                return Err(Rejection::UnknownLocale);
            }
            tag.clone_into(&mut self.locale);
        }
        Ok(Some(tag))
    }
}

/// Whether it can be a user's id: not empty, at most 128 bytes, no control characters.
pub fn check_user_id(user_id: &str) -> Result<&str, Rejection> {
    if user_id.is_empty() {
        return Err(Rejection::MissingUserId);
    }
    if user_id.len() > MAX_USER_ID_BYTES {
        return Err(Rejection::UserIdTooLong);
    }
    if user_id.chars().any(char::is_control) {
        return Err(Rejection::UserIdInvalid);
    }
    Ok(user_id)
}
