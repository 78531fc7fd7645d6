//! The audience file from outside: what is read, packed and reported.

#![cfg(test)]

mod chunks;
mod encodings;
mod expected;
mod packed;
mod places;
mod refusals;
mod report;
mod rows;
mod sorting;
mod zips;

use std::io::{self, Read};

use audience::{AudienceReader, FileSettings, ReadError, Refusal};

/// A reader of a file that is not refused by its header.
fn open<R: Read>(file: R) -> AudienceReader<R> {
    AudienceReader::open(file, FileSettings::default(), [7; 16]).unwrap()
}

/// What became of every row, as `line user_id verdict`.
fn read(file: impl AsRef<[u8]>) -> Result<Vec<String>, Refusal> {
    read_with(file, FileSettings::default())
}

fn read_with(file: impl AsRef<[u8]>, settings: FileSettings) -> Result<Vec<String>, Refusal> {
    rows_of(file.as_ref(), settings).map_err(|error| match error {
        ReadError::Refused(refusal) => refusal,
        ReadError::Source(error) => panic!("memory can always be read: {error}"),
    })
}

fn rows_of(source: impl Read, settings: FileSettings) -> Result<Vec<String>, ReadError> {
    let mut reader = AudienceReader::open(source, settings, [7; 16])?;
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row()? {
        let verdict = row
            .verdict
            .err()
            .map_or("accepted", |rejection| rejection.as_str());
        rows.push(format!("{} {} {verdict}", row.line, row.user_id));
    }
    Ok(rows)
}

/// A source that gives a few bytes at a time.
struct Trickle<'a> {
    bytes: &'a [u8],
    at_once: usize,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (now, later) = self
            .bytes
            .split_at(self.at_once.min(self.bytes.len()).min(buffer.len()));
        buffer[..now.len()].copy_from_slice(now);
        self.bytes = later;
        Ok(now.len())
    }
}
