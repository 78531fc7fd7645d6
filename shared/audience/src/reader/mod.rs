//! Reads an audience file row by row, and accepts or rejects each.
//!
//! [`RowReader`] judges a row by what stands in it, and can go on anywhere; [`AudienceReader`]
//! knows all rows before as well, and so finds duplicates. It keeps a hash of every accepted id in
//! memory: it is for files that fit there, and what the import is measured by.

mod header;
mod place;
mod records;
mod rows;
mod rules;
mod text;

use std::io::Read;

pub use header::Delimiter;
pub use place::Place;
pub use rows::{Row, RowReader};
pub use rules::check_user_id;
pub use text::Encoding;

use crate::duplicates::AcceptedIds;
use crate::fingerprint::Fingerprint;
use crate::{FileSettings, ReadError, Rejection};

/// Rows of an audience file, one after the other, of which a user's second is a duplicate.
#[derive(Debug)]
pub struct AudienceReader<R> {
    rows: RowReader<R>,
    hash_key: [u8; 16],
    accepted: AcceptedIds,
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
        Ok(Self {
            rows: RowReader::open(source, settings)?,
            hash_key,
            accepted: AcceptedIds::default(),
        })
    }

    /// The names of the template variables, in lower case, in the order of their columns.
    pub fn variables(&self) -> &[String] {
        self.rows.variables()
    }

    /// The names of all columns, in lower case, in their order.
    pub fn columns(&self) -> &[String] {
        self.rows.columns()
    }

    /// What separates the fields, as it was given or found.
    pub fn delimiter(&self) -> Delimiter {
        self.rows.delimiter()
    }

    /// How the file is written, as far as it is read; what is ASCII so far is UTF-8.
    pub fn encoding(&self) -> Encoding {
        self.rows.encoding()
    }

    /// The next row; `None` at the end of the file.
    ///
    /// # Errors
    ///
    /// The file is refused, or its source cannot be read; there is nothing more to come then.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, ReadError> {
        let Some(row) = self.rows.next_row()? else {
            return Ok(None);
        };
        let verdict = row.verdict.and_then(|recipient| {
            let fingerprint = Fingerprint::of(recipient.user_id, &self.hash_key);
            match self.accepted.insert(fingerprint, row.line) {
                Ok(()) => Ok(recipient),
                Err(of_line) => Err(Rejection::Duplicate { of_line }),
            }
        });
        Ok(Some(Row { verdict, ..row }))
    }
}
