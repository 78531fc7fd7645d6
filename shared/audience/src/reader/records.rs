//! Cuts text into records and fields, and knows on which line each record starts.
//!
//! Quotes, doubled quotes and newlines in quotes are as RFC 4180 has them; lines end with LF or
//! CR LF; blank lines are no records. The memory for one record is bounded, whatever the file
//! holds: more fields than asked for are counted and dropped, and a longer record than a limit
//! refuses the file.

use std::io::Read;

use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};

use super::text::Text;
use crate::{ReadError, Refusal};

/// The longest record, in bytes of UTF-8.
pub(super) const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// Records, one after the other.
pub(super) struct Records<R> {
    text: Text<R>,
    parser: csv_core::Reader,
    /// The fields of the current record, one behind the other, without their quotes.
    fields: Vec<u8>,
    ends: Vec<usize>,
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    /// The physical line on which it starts; the file's first is 1.
    pub(super) line: u64,
    /// How many fields it has.
    pub(super) count: usize,
    fields: &'a str,
    /// Of the fields that are kept.
    ends: &'a [usize],
}

impl<'a> Record<'a> {
    /// The field at that position, trimmed; `None` where the record has none or it was dropped.
    pub(super) fn field(&self, position: usize) -> Option<&'a str> {
        let end = *self.ends.get(position)?;
        let start = position.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(self.fields[start..end].trim())
    }
}

impl<R: Read> Records<R> {
    /// Records of the text from its current place on. At most `fields` fields of each are kept.
    pub(super) fn new(text: Text<R>, delimiter: u8, fields: usize) -> Self {
        let parser = ReaderBuilder::new()
            .delimiter(delimiter)
            // A CR before the LF stays in the last field, which is trimmed; the parser's own
            // CRLF mode would take a lone CR inside a field for the end of the record.
            .terminator(Terminator::Any(b'\n'))
            .build();
        Self {
            text,
            parser,
            fields: vec![0; 4 * 1024],
            ends: vec![0; fields],
        }
    }

    /// Goes on behind a record, with the line that comes next.
    pub(super) fn resume(text: Text<R>, delimiter: u8, fields: usize, line: u64) -> Self {
        let mut records = Self::new(text, delimiter, fields);
        // Past its start the parser takes no byte order mark for one.
        let _ = records
            .parser
            .read_record(b"\n", &mut records.fields, &mut records.ends);
        records.parser.set_line(line);
        records
    }

    /// The text behind the current record.
    pub(super) fn text(&self) -> &Text<R> {
        &self.text
    }

    /// On which line the text behind the current record begins.
    pub(super) fn next_line(&self) -> u64 {
        self.parser.line()
    }

    /// The next record; `None` at the end of the file.
    pub(super) fn next_record(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        loop {
            if !self.skip_empty_lines()? {
                return Ok(None);
            }
            let line = self.parser.line();
            let (length, count) = self.read_record(line)?;
            let kept = count.min(self.ends.len());
            // A line of CR LF; of LF alone was skipped, and an empty field in quotes is a record.
            if self.fields[..length] != *b"\r" {
                let fields = std::str::from_utf8(&self.fields[..length])
                    .expect("the text is UTF-8, and a record is cut out of it at ASCII characters");
                let ends = &self.ends[..kept];
                return Ok(Some(Record {
                    line,
                    count,
                    fields,
                    ends,
                }));
            }
        }
    }

    /// The parser would skip them as well, but it counts a record's line from before them.
    fn skip_empty_lines(&mut self) -> Result<bool, ReadError> {
        loop {
            let rest = self.text.rest();
            let empty = rest.iter().take_while(|byte| **byte == b'\n').count();
            let more = rest.len() > empty;
            self.text.consume(empty);
            self.parser.set_line(self.parser.line() + empty as u64);
            if more {
                return Ok(true);
            }
            if !self.text.decode_more()? {
                return Ok(false);
            }
        }
    }

    /// Reads one record into `fields` and `ends`; gives its length and the number of fields.
    fn read_record(&mut self, line: u64) -> Result<(usize, usize), ReadError> {
        let (mut length, mut count) = (0, 0);
        let mut overflow = [0; 64];
        loop {
            let kept = count.min(self.ends.len());
            let ends = match &mut self.ends[kept..] {
                [] => overflow.as_mut_slice(),
                room => room,
            };
            let at_end = self.text.rest().is_empty() && !self.text.decode_more()?;
            // The last line may have no LF. One in its place ends every record but one that is
            // inside quotes, which the parser itself would let pass.
            let input = if at_end {
                b"\n".as_slice()
            } else {
                self.text.rest()
            };
            let (result, read, written, ended) =
                self.parser.read_record(input, &mut self.fields[length..], ends);
            if !at_end {
                self.text.consume(read);
            }
            length += written;
            count += ended;
            match result {
                ReadRecordResult::Record => return Ok((length, count)),
                ReadRecordResult::OutputFull => self.grow(line)?,
                ReadRecordResult::InputEmpty | ReadRecordResult::End if at_end => {
                    return Err(Refusal::QuoteNotClosed { line }.into());
                }
                ReadRecordResult::InputEmpty | ReadRecordResult::OutputEndsFull | ReadRecordResult::End => {}
            }
        }
    }

    fn grow(&mut self, line: u64) -> Result<(), Refusal> {
        let limit = MAX_RECORD_BYTES;
        if self.fields.len() >= limit {
            return Err(Refusal::RecordTooLong { line, limit });
        }
        self.fields.resize((self.fields.len() * 2).min(limit), 0);
        Ok(())
    }
}
