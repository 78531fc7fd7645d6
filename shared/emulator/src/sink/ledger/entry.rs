//! A record of the ledger, and its form as a line.

use std::borrow::Cow;
use std::io;

use chrono::{DateTime, Utc};

/// The last character that is not written as it is.
const LAST_ESCAPED: u8 = 0x0B;
/// What stands in front of an escaped character, and is added to it.
const ESCAPE: u8 = 0x0B;
const SHIFT: u8 = 0x40;

/// One accepted message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `message.data.push_id`; empty where the message has none.
    pub push_id: String,
    /// The target: the installation id, token, topic or condition.
    pub address: String,
    /// `message.android.notification.tag`; an empty one reads as none.
    pub collapse_id: Option<String>,
    /// `message.data.attempt`, if it is a number.
    pub attempt: Option<u32>,
    /// When the request was checked and found good, to the microsecond.
    pub received_at: DateTime<Utc>,
}

impl Entry {
    /// Appends the line of this entry, with its end, to `lines`.
    pub(super) fn write(&self, lines: &mut Vec<u8>) {
        escape(&self.push_id, lines);
        lines.push(b'\t');
        escape(&self.address, lines);
        lines.push(b'\t');
        escape(self.collapse_id.as_deref().unwrap_or_default(), lines);
        lines.push(b'\t');
        if let Some(attempt) = self.attempt {
            lines.extend_from_slice(attempt.to_string().as_bytes());
        }
        lines.push(b'\t');
        lines.extend_from_slice(self.received_at.timestamp_micros().to_string().as_bytes());
        lines.push(b'\n');
    }

    /// Reads a line, without its end.
    pub(super) fn parse(line: &[u8]) -> io::Result<Self> {
        parse(line).ok_or_else(|| {
            let line = String::from_utf8_lossy(line);
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("not a line of a ledger: {line:?}"),
            )
        })
    }
}

fn parse(line: &[u8]) -> Option<Entry> {
    let mut fields = std::str::from_utf8(line).ok()?.split('\t');
    let entry = Entry {
        push_id: unescape(fields.next()?)?.into_owned(),
        address: unescape(fields.next()?)?.into_owned(),
        collapse_id: Some(unescape(fields.next()?)?.into_owned()).filter(|id| !id.is_empty()),
        attempt: match fields.next()? {
            "" => None,
            attempt => Some(attempt.parse().ok()?),
        },
        received_at: DateTime::from_timestamp_micros(fields.next()?.parse().ok()?)?,
    };
    fields.next().is_none().then_some(entry)
}

fn escape(text: &str, line: &mut Vec<u8>) {
    if text.bytes().all(|byte| byte > LAST_ESCAPED) {
        line.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        if byte <= LAST_ESCAPED {
            line.extend([ESCAPE, byte + SHIFT]);
        } else {
            line.push(byte);
        }
    }
}

fn unescape(field: &str) -> Option<Cow<'_, str>> {
    if !field.as_bytes().contains(&ESCAPE) {
        return Some(Cow::Borrowed(field));
    }
    let mut text = String::with_capacity(field.len());
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        if character == char::from(ESCAPE) {
            let shifted = u8::try_from(characters.next()?).ok()?;
            text.push(char::from(shifted.checked_sub(SHIFT)?));
        } else {
            text.push(character);
        }
    }
    Some(Cow::Owned(text))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any entry, with texts that like to look like each other and like the format itself.
    pub(in crate::sink::ledger) fn any_entry() -> impl Strategy<Value = Entry> {
        let text = prop_oneof!["[ab]{0,3}", "[\u{0}-\u{c}a@]{0,4}", any::<String>()];
        let collapse_id = proptest::option::of("[a-z\t\n]{1,4}");
        (
            text.clone(),
            text,
            collapse_id,
            any::<Option<u32>>(),
            0..4_102_444_800_000_000_i64,
        )
            .prop_map(|(push_id, address, collapse_id, attempt, micros)| Entry {
                push_id,
                address,
                collapse_id,
                attempt,
                received_at: DateTime::from_timestamp_micros(micros).unwrap(),
            })
    }

    pub(in crate::sink::ledger) fn line(entry: &Entry) -> Vec<u8> {
        let mut line = Vec::new();
        entry.write(&mut line);
        line
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(entry in any_entry()) {
            let written = line(&entry);
            let (end, body) = written.split_last().unwrap();

            prop_assert_eq!(*end, b'\n');
            prop_assert!(!body.contains(&b'\n'));
            prop_assert_eq!(Entry::parse(body).unwrap(), entry);
        }

        #[test]
        fn lines_sort_as_their_push_ids_do(one in any_entry(), other in any_entry()) {
            let by_push = one.push_id.cmp(&other.push_id);

            if by_push.is_ne() {
                prop_assert_eq!(line(&one).cmp(&line(&other)), by_push);
            }
        }
    }
}
