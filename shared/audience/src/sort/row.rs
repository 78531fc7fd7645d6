//! A row between the steps: 16 bytes of fingerprint, numbers as LEB128, text.
//!
//! ```text
//! fingerprint ‖ line ‖ lengths of: time zone name, locale, user id, each value ‖ their text
//! ```

use chrono_tz::Tz;

use crate::fingerprint::{FINGERPRINT_BYTES, Fingerprint};
use crate::packed::{read_number, write_number};
use crate::{Corrupt, Recipient, Variables};

/// A row as it lies in a run. Its text is checked by [`Reading::recipient`].
#[derive(Clone, Copy, Debug)]
pub(super) struct StoredRow<'a> {
    pub(super) user: Fingerprint,
    pub(super) line: u32,
    pub(super) time_zone: &'a [u8],
    /// All of the row.
    pub(super) bytes: &'a [u8],
}

/// Appends a row.
pub(super) fn write(bytes: &mut Vec<u8>, user: Fingerprint, line: u32, recipient: &Recipient<'_>) {
    let zone = recipient.time_zone.map_or("", Tz::name);
    let locale = recipient.locale.unwrap_or_default();
    bytes.extend_from_slice(&user.to_bytes());
    write_number(bytes, line);
    for text in [zone, locale, recipient.user_id] {
        write_number(bytes, length(text));
    }
    for (_, value) in recipient.variables.iter() {
        write_number(bytes, length(value));
    }
    for text in [zone, locale, recipient.user_id] {
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes.extend_from_slice(recipient.variables.text().as_bytes());
}

/// A rule of the file bounds every text of a row.
fn length(text: &str) -> u32 {
    u32::try_from(text.len()).expect("a row's texts have a few kilobytes")
}

/// Takes the row of an audience with `variables` variables off the front.
pub(super) fn take<'a>(rest: &mut &'a [u8], variables: usize) -> Result<StoredRow<'a>, Corrupt> {
    let row = *rest;
    let mut at = row;
    let (user, after) = at
        .split_first_chunk::<FINGERPRINT_BYTES>()
        .ok_or(Corrupt::Content("fingerprint"))?;
    at = after;
    let line = read_number(&mut at)?;
    let zone_length = read_number(&mut at)? as usize;
    let mut text_length = zone_length as u64;
    for _ in 0..2 + variables {
        text_length += u64::from(read_number(&mut at)?);
    }
    let text_length = usize::try_from(text_length).map_err(|_| Corrupt::Content("length"))?;
    let (text, after) = at
        .split_at_checked(text_length)
        .ok_or(Corrupt::Content("length"))?;
    *rest = after;
    Ok(StoredRow {
        user: Fingerprint::from_bytes(*user),
        line,
        time_zone: &text[..zone_length],
        bytes: &row[..row.len() - after.len()],
    })
}

/// Reads rows back as recipients, one at a time.
#[derive(Debug, Default)]
pub(super) struct Reading {
    ends: Vec<u32>,
}

impl Reading {
    /// The recipient of a row that [`take`] has measured; `names` are the variables'.
    pub(super) fn recipient<'a>(
        &'a mut self,
        row: &'a [u8],
        time_zone: Option<Tz>,
        names: &'a [String],
    ) -> Result<Recipient<'a>, Corrupt> {
        let mut at = row.get(FINGERPRINT_BYTES..).ok_or(Corrupt::Content("length"))?;
        read_number(&mut at)?;
        let zone_end = read_number(&mut at)?;
        let locale_end = sum(zone_end, read_number(&mut at)?)?;
        let user_end = sum(locale_end, read_number(&mut at)?)?;
        self.ends.clear();
        let mut end = user_end;
        for _ in names {
            end = sum(end, read_number(&mut at)?)?;
            self.ends.push(end);
        }
        let text = std::str::from_utf8(at).map_err(|_| Corrupt::Content("text"))?;
        let piece = |start: u32, end: u32| {
            text.get(start as usize..end as usize)
                .ok_or(Corrupt::Content("length"))
        };
        piece(user_end, end)?;
        let locale = piece(zone_end, locale_end)?;
        Ok(Recipient {
            user_id: piece(locale_end, user_end)?,
            time_zone,
            locale: (!locale.is_empty()).then_some(locale),
            variables: Variables::new(names, text, user_end, &self.ends),
        })
    }
}

fn sum(end: u32, length: u32) -> Result<u32, Corrupt> {
    end.checked_add(length).ok_or(Corrupt::Content("length"))
}
