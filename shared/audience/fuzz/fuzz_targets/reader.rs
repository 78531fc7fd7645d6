//! The reader of audience files: whatever the bytes, it ends, and what it accepts is as the rules say.
//!
//! The first byte chooses the settings, so that each encoding and delimiter is met with each file.
//! How the bytes come must not matter: the same file in small pieces gives the same rows, or none.

#![no_main]

use std::io::{self, Read};

use audience::{AudienceReader, Delimiter, Encoding, FileSettings, ReadError, Summary, check_user_id};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((choice, file)) = data.split_first() else { return };
    let settings = FileSettings {
        delimiter: match choice & 3 {
            0 => None,
            1 => Some(Delimiter::Comma),
            2 => Some(Delimiter::Tab),
            _ => Some(Delimiter::Semicolon),
        },
        encoding: match choice >> 2 & 3 {
            0 => None,
            1 => Some(Encoding::Utf8),
            2 => Some(Encoding::Utf16),
            _ => Some(Encoding::ShiftJis),
        },
    };
    let whole = read(file, settings);
    let pieces = read(Pieces { rest: file, size: usize::from(choice >> 4) + 1 }, settings);
    // Of a file with several faults, which is named may depend on how much of it is read by then.
    assert_eq!(whole.ok(), pieces.ok());
});

/// What became of the file, in words.
fn read(source: impl Read, settings: FileSettings) -> Result<Vec<String>, String> {
    let refused = |error| match error {
        ReadError::Refused(refusal) => refusal.to_string(),
        ReadError::Source(error) => panic!("bytes in memory can be read: {error}"),
    };
    let mut reader = AudienceReader::open(source, settings, [7; 16]).map_err(refused)?;
    let mut summary = Summary::default();
    let (mut rows, mut line) = (Vec::new(), 1);
    while let Some(row) = reader.next_row().map_err(refused)? {
        assert!(row.line > line || rows.is_empty() && row.line >= line, "lines rise");
        line = row.line;
        summary.count(&row);
        if let Ok(recipient) = &row.verdict {
            assert_eq!(check_user_id(recipient.user_id), Ok(recipient.user_id));
            assert_eq!(recipient.user_id, recipient.user_id.trim());
        }
        rows.push(format!("{row:?}"));
    }
    assert_eq!(summary.rows(), rows.len() as u64);
    Ok(rows)
}

struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(self.size);
        self.rest.read(&mut buffer[..room])
    }
}
