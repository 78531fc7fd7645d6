//! What the first bytes of an audience file already tell.

use std::io::{self, Read};

use audience::{AudienceReader, FileSettings, ReadError, Unzip, ZIP_MAGIC, ZipLimits};
use runtime::{Backends, Config};

use crate::error::Error;

/// How much of a file is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Whole,
    /// Its start.
    Start,
}

/// How much of a whole ZIP is unpacked to see whether it is a good one; the rest is left to the
/// import. A part of one is no file.
const UNPACKED: u64 = 16 << 20;

/// Refuses a file whose header can never be an audience's, and a ZIP that does not hold one. What its
/// start does not tell is left to the import.
pub(crate) fn check_header(
    backends: &Backends,
    bytes: &[u8],
    extent: Extent,
    settings: FileSettings,
) -> Result<(), Error> {
    check(&backends.process.config, bytes, extent, settings)
}

/// How large what came as ZIP may become.
pub(crate) fn zip_limits(config: &Config) -> ZipLimits {
    ZipLimits {
        bytes: config.files.zip_max_bytes.get(),
        ratio: config.files.zip_max_ratio.get(),
    }
}

fn check(config: &Config, bytes: &[u8], extent: Extent, settings: FileSettings) -> Result<(), Error> {
    let (hash_key, limits) = ([0; 16], zip_limits(config));
    let opened = match extent {
        Extent::Whole => {
            let opened = AudienceReader::open(Unzip::new(bytes, limits), settings, hash_key).map(drop);
            let is_zip = bytes.starts_with(&ZIP_MAGIC);
            opened.and_then(|()| {
                if is_zip {
                    unpack(Unzip::new(bytes, limits))
                } else {
                    Ok(())
                }
            })
        }
        Extent::Start => {
            let start = Unzip::new(bytes.chain(NotHereYet), limits);
            AudienceReader::open(start, settings, hash_key).map(drop)
        }
    };
    match opened {
        Ok(()) | Err(ReadError::Source(_)) => Ok(()),
        Err(ReadError::Refused(refusal)) => Err(refusal.into()),
    }
}

fn unpack(zip: Unzip<&[u8]>) -> Result<(), ReadError> {
    io::copy(&mut zip.take(UNPACKED), &mut io::sink())?;
    Ok(())
}

/// The rest of a file of which only the start is at hand.
pub(super) struct NotHereYet;

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

        let config = Config::default();
        let refused = |extent| check(&config, no_user_id.as_bytes(), extent, settings);
        assert!(matches!(refused(Extent::Whole), Err(Error::FileRefused(_))));
        assert!(matches!(refused(Extent::Start), Err(Error::FileRefused(_))));
        assert!(check(&config, cut, Extent::Start, settings).is_ok());
        assert!(check(&config, b"", Extent::Start, settings).is_ok());
        assert!(check(&config, b"", Extent::Whole, settings).is_err());
    }
}
