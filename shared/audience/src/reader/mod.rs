//! Reads an audience file row by row, and accepts or rejects each.
//!
//! The file is a stream: a few blocks of it are in memory, and a hash of every accepted id.
//! What comes out is a pure function of the bytes and the settings, so an import that was
//! killed reads the file again and skips what it has stored.

mod header;
mod records;
mod rules;
mod text;

use std::io::Read;

use header::{Columns, MAX_COLUMNS};
use records::Records;
use rules::Rules;
use text::Text;

pub use header::Delimiter;
pub use rules::check_user_id;
pub use text::Encoding;

use crate::duplicates::AcceptedIds;
use crate::{FileSettings, ReadError, Recipient, Refusal, Rejection};

/// The most lines of a file: what fits 32 bits.
const MAX_LINES: u64 = u32::MAX as u64;

/// Rows of an audience file, one after the other.
pub struct AudienceReader<R> {
    records: Records<R>,
    delimiter: Delimiter,
    columns: Columns,
    rules: Rules,
    accepted: AcceptedIds,
}

/// One row and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The physical line on which it starts; the header is usually 1.
    pub line: u64,
    /// Its user id as it stands there, trimmed; empty where the row has none.
    pub user_id: &'a str,
    /// The recipient, or why it is none.
    pub verdict: Result<Recipient<'a>, Rejection>,
}

impl<R: Read> AudienceReader<R> {
    /// Reads the header.
    ///
    /// `hash_key` is a random secret, under which ids are hashed to find duplicates. It has no
    /// influence on what is found; with a known one, somebody could make ids that meet.
    ///
    /// # Errors
    ///
    /// The file is refused, or its source cannot be read.
    pub fn open(source: R, settings: FileSettings, hash_key: [u8; 16]) -> Result<Self, ReadError> {
        let mut text = Text::new(source, settings.encoding);
        let delimiter = match settings.delimiter {
            Some(delimiter) => delimiter,
            None => header::find_delimiter(&mut text)?,
        };
        // One field more than a header may have, to see that there are more.
        let mut records = Records::new(text, delimiter.as_byte(), MAX_COLUMNS + 1);
        let columns = Columns::read(&mut records)?;
        Ok(Self {
            records,
            delimiter,
            columns,
            rules: Rules::default(),
            accepted: AcceptedIds::new(hash_key),
        })
    }

    /// The names of the template variables, in lower case, in the order of their columns.
    pub fn variables(&self) -> &[String] {
        &self.columns.names
    }

    /// The names of all columns, in lower case, in their order.
    pub fn columns(&self) -> &[String] {
        &self.columns.all
    }

    /// What separates the fields, as it was given or found.
    pub fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    /// How the file is written, as far as it is read; what is ASCII so far is UTF-8.
    pub fn encoding(&self) -> Encoding {
        self.records.encoding()
    }

    /// The next row; `None` at the end of the file.
    ///
    /// # Errors
    ///
    /// The file is refused, or its source cannot be read; there is nothing more to come then.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, ReadError> {
        let Some(record) = self.records.next_record()? else {
            return Ok(None);
        };
        let line = record.line;
        let Ok(short_line) = u32::try_from(line) else {
            return Err(Refusal::TooManyLines { limit: MAX_LINES }.into());
        };
        let user_id = record.field(self.columns.user_id).unwrap_or_default();
        let verdict = self.rules.check(&record, &self.columns).and_then(|recipient| {
            match self.accepted.insert(recipient.user_id, short_line) {
                Ok(()) => Ok(recipient),
                Err(of_line) => Err(Rejection::Duplicate {
                    of_line: of_line.into(),
                }),
            }
        });
        Ok(Some(Row {
            line,
            user_id,
            verdict,
        }))
    }
}

impl<R> std::fmt::Debug for AudienceReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudienceReader")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}
