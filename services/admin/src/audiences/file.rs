//! What is said about an audience file, and what its first bytes already tell.

use std::io::{self, Read};

use audience::{AudienceReader, ReadError, ReadSettings};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Error;

/// How a file is to be read; what is not given is found from the file. Stored as JSON beside the
/// upload, for its import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSettings {
    /// What separates its fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<Delimiter>,
    /// How it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
}

/// What separates the fields of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    /// `,`
    Comma,
    /// A tab character.
    Tab,
    /// `;`
    Semicolon,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Encoding {
    /// With or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// Of either byte order, with a byte order mark.
    #[serde(rename = "utf-16")]
    Utf16,
    /// As Windows writes it (code page 932).
    #[serde(rename = "shift_jis")]
    ShiftJis,
}

impl FileSettings {
    /// For the file's reader. `hash_key` is [`ReadSettings::hash_key`].
    pub fn for_reader(self, hash_key: [u8; 16]) -> ReadSettings {
        ReadSettings {
            encoding: self.encoding.map(|encoding| match encoding {
                Encoding::Utf8 => audience::Encoding::Utf8,
                Encoding::Utf16 => audience::Encoding::Utf16,
                Encoding::ShiftJis => audience::Encoding::ShiftJis,
            }),
            delimiter: self.delimiter.map(|delimiter| match delimiter {
                Delimiter::Comma => audience::Delimiter::Comma,
                Delimiter::Tab => audience::Delimiter::Tab,
                Delimiter::Semicolon => audience::Delimiter::Semicolon,
            }),
            hash_key,
        }
    }
}

/// How much of a file is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// Its start.
    Start,
}

/// Refuses a file whose header can never be an audience's. What its start does not tell is left
/// to the import.
pub(super) fn check_header(bytes: &[u8], extent: Extent, settings: FileSettings) -> Result<(), Error> {
    let settings = settings.for_reader([0; 16]);
    let opened = match extent {
        Extent::Whole => AudienceReader::open(bytes, settings).map(drop),
        Extent::Start => AudienceReader::open(bytes.chain(NotHereYet), settings).map(drop),
    };
    match opened {
        Ok(()) | Err(ReadError::Source(_)) => Ok(()),
        Err(ReadError::Refused(refusal)) => Err(refusal.into()),
    }
}

/// The rest of a file of which only the start is at hand.
struct NotHereYet;

impl Read for NotHereYet {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_refused_only_by_bytes_that_are_there() {
        let settings = FileSettings::default();
        let no_user_id = "id,name\n1,a\n".repeat(10_000);
        let cut = &"user_id\nユーザー1\n".as_bytes()[..9];

        let refused = |extent| check_header(no_user_id.as_bytes(), extent, settings);
        assert!(matches!(refused(Extent::Whole), Err(Error::FileRefused(_))));
        assert!(matches!(refused(Extent::Start), Err(Error::FileRefused(_))));
        assert!(check_header(cut, Extent::Start, settings).is_ok());
        assert!(check_header(b"", Extent::Start, settings).is_ok());
        assert!(check_header(b"", Extent::Whole, settings).is_err());
    }

    #[test]
    fn settings_are_stored_in_the_words_of_the_api() {
        let settings = FileSettings {
            delimiter: Some(Delimiter::Tab),
            encoding: Some(Encoding::ShiftJis),
        };

        let stored = serde_json::to_string(&settings).unwrap();

        assert_eq!(stored, r#"{"delimiter":"tab","encoding":"shift_jis"}"#);
        assert_eq!(
            serde_json::from_str::<FileSettings>("{}").unwrap(),
            FileSettings::default()
        );
    }
}
