//! What the first bytes of an audience file already tell.

use std::io::{self, Read};

use audience::{AudienceReader, FileSettings, ReadError};

use crate::error::Error;

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
    let hash_key = [0; 16];
    let opened = match extent {
        Extent::Whole => AudienceReader::open(bytes, settings, hash_key).map(drop),
        Extent::Start => AudienceReader::open(bytes.chain(NotHereYet), settings, hash_key).map(drop),
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
}
