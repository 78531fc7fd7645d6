//! What stands in front of a file in a ZIP, and what follows it: APPNOTE 6.3, 4.3.

use std::io::{self, BufRead};

use super::{ZipRefusal, read_exact};

/// In the general purpose flags: it wants a password.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

/// In the flags: lengths and checksum follow the data.
const FOLLOWED: u16 = 1 << 3;

/// The longest name that is kept, in bytes; of a longer one nobody made a file.
const MAX_NAME: usize = 4096;

/// A local file header, whose signature is read already.
#[derive(Debug)]
pub(super) struct Header {
    flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u32,
    pub(super) size: u32,
    name: Vec<u8>,
}

impl Header {
    pub(super) fn read(source: &mut impl BufRead) -> io::Result<Self> {
        let mut fixed = [0; 26];
        read_exact(source, &mut fixed)?;
        let short = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
        let long = |at: usize| u32::from(short(at)) | u32::from(short(at + 2)) << 16;
        let name_length = usize::from(short(22));
        if name_length > MAX_NAME {
            return Err(ZipRefusal::Name.into());
        }
        let mut name = vec![0; name_length];
        read_exact(source, &mut name)?;
        let mut extra = vec![0; usize::from(short(24))];
        read_exact(source, &mut extra)?;
        Ok(Self {
            flags: short(2),
            method: short(4),
            crc: long(10),
            packed: long(14),
            size: long(18),
            name,
        })
    }

    /// Whether lengths and checksum stand behind the data and not here.
    pub(super) fn is_followed(&self) -> bool {
        self.flags & FOLLOWED != 0
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & ENCRYPTED != 0
    }

    /// Folders, and what macOS adds to each ZIP that it makes.
    pub(super) fn is_beside_the_point(&self) -> bool {
        self.name.ends_with(b"/") || self.name.starts_with(b"__MACOSX/") || self.name.ends_with(b".DS_Store")
    }

    /// Nothing is ever written by that name; a ZIP whose names lead elsewhere was made to harm.
    pub(super) fn check(&self) -> Result<(), ZipRefusal> {
        let mut folders = self.name.split(|byte| matches!(byte, b'/' | b'\\'));
        let is_absolute =
            self.name.starts_with(b"/") || self.name.starts_with(b"\\") || self.name.get(1) == Some(&b':');
        if is_absolute || self.name.contains(&0) || folders.any(|folder| folder == b"..") {
            return Err(ZipRefusal::Name);
        }
        Ok(())
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    /// Another file's header.
    Entry,
    /// The directory: there are no more files.
    Directory,
}

impl Signature {
    pub(super) fn read(source: &mut impl BufRead) -> io::Result<Self> {
        let mut signature = [0; 4];
        read_exact(source, &mut signature)?;
        match &signature {
            b"PK\x03\x04" => Ok(Self::Entry),
            // Of the directory, or of extra data in front of it.
            b"PK\x01\x02" | b"PK\x06\x08" => Ok(Self::Directory),
            _ => Err(ZipRefusal::Broken("something else follows the file").into()),
        }
    }
}
