//! Reads an audience file row by row, and accepts or rejects each by what stands in it.
//!
//! A few blocks of the file are in memory. What comes out is a pure function of the bytes and
//! the settings, also where reading goes on at a [`Place`] that an earlier reader has reached.

use std::io::Read;

use super::header::{self, Columns, Delimiter, MAX_COLUMNS};
use super::place::Place;
use super::records::Records;
use super::rules::Rules;
use super::text::{Encoding, Text};
use crate::{FileSettings, ReadError, Recipient, Refusal, Rejection};

/// The most lines of a file: what fits 32 bits.
const MAX_LINES: u64 = u32::MAX as u64;

/// Of each record one field more is kept than a header may have, to see that there are more.
const FIELDS: usize = MAX_COLUMNS + 1;

/// Rows of an audience file, one after the other, in which duplicates are not looked for.
pub struct RowReader<R> {
    records: Records<R>,
    delimiter: Delimiter,
    columns: Columns,
    rules: Rules,
}

/// One row and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The physical line on which it starts; the header is usually 1.
    pub line: u32,
    /// Its user id as it stands there, trimmed; empty where the row has none.
    pub user_id: &'a str,
    /// The recipient, or why it is none.
    pub verdict: Result<Recipient<'a>, Rejection>,
}

impl<R: Read> RowReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// The file is refused, or its source cannot be read.
    pub fn open(source: R, settings: FileSettings) -> Result<Self, ReadError> {
        let mut text = Text::new(source, settings.encoding);
        let delimiter = match settings.delimiter {
            Some(delimiter) => delimiter,
            None => header::find_delimiter(&mut text)?,
        };
        let mut records = Records::new(text, delimiter.as_byte(), FIELDS);
        let columns = Columns::read(&mut records)?;
        Ok(Self {
            records,
            delimiter,
            columns,
            rules: Rules::default(),
        })
    }

    /// Goes on at a place; the source begins there.
    ///
    /// # Errors
    ///
    /// The place has a header that would have been refused: it was never reached.
    pub fn resume(source: R, place: &Place) -> Result<Self, ReadError> {
        let text = Text::resume(source, place.offset, place.found);
        Ok(Self {
            records: Records::resume(text, place.delimiter.as_byte(), FIELDS, place.line),
            delimiter: place.delimiter,
            columns: Columns::of(place.header.clone())?,
            rules: Rules::default(),
        })
    }

    /// The place behind the last row that was read, or behind the header.
    pub fn place(&self) -> Place {
        let text = self.records.text();
        Place {
            offset: text.place(),
            line: self.records.next_line(),
            delimiter: self.delimiter,
            found: text.found(),
            header: self.columns.header.clone(),
        }
    }

    /// The names of the template variables, in lower case, in the order of their columns.
    pub fn variables(&self) -> &[String] {
        &self.columns.names
    }

    /// The names of all columns, in lower case, in their order.
    pub fn columns(&self) -> &[String] {
        &self.columns.header
    }

    /// What separates the fields, as it was given or found.
    pub fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    /// How the file is written, as far as it is read; what is ASCII so far is UTF-8.
    pub fn encoding(&self) -> Encoding {
        self.records.text().found().encoding()
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
        let Ok(line) = u32::try_from(record.line) else {
            return Err(Refusal::TooManyLines { limit: MAX_LINES }.into());
        };
        let user_id = record.field(self.columns.user_id).unwrap_or_default();
        let verdict = self.rules.check(&record, &self.columns);
        Ok(Some(Row {
            line,
            user_id,
            verdict,
        }))
    }
}

impl<R> std::fmt::Debug for RowReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowReader")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}
