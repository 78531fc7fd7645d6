//! The records of a ZIP archive, as APPNOTE.TXT 6.3.10 has them.

use serde::{Deserialize, Serialize};

const LOCAL: u32 = 0x0403_4B50;
const DESCRIPTOR: u32 = 0x0807_4B50;
const CENTRAL: u32 = 0x0201_4B50;
const ZIP64_END: u32 = 0x0606_4B50;
const ZIP64_LOCATOR: u32 = 0x0706_4B50;
const END: u32 = 0x0605_4B50;

/// Sizes stand behind the content (bit 3), names are UTF-8 (bit 11).
const FLAGS: u16 = 1 << 3 | 1 << 11;
const DEFLATED: u16 = 8;
/// 1980-01-01, the first day that there is.
const DATE: u16 = 1 << 5 | 1;
const VERSION: u16 = 20;
const VERSION_ZIP64: u16 = 45;
/// Made on Unix: the mode of a plain file, readable by all.
const MADE_BY: u16 = 3 << 8 | VERSION_ZIP64;
const MODE: u32 = 0o100_644 << 16;
const ZIP64_EXTRA: u16 = 1;

/// One file of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Where in the archive it begins.
    pub(crate) start: u64,
    /// Whether its sizes may need 64 bits.
    pub(crate) is_large: bool,
    pub(crate) crc: u32,
    pub(crate) bytes: u64,
    pub(crate) deflated_bytes: u64,
}

/// Appends numbers, lowest byte first.
struct Record<'a>(&'a mut Vec<u8>);

impl Record<'_> {
    fn u16(self, number: u16) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn u32(self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn u64(self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// The number in 32 bits, or what says that it stands in a Zip64 field.
fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn is_long(number: u64) -> bool {
    number >= u64::from(u32::MAX)
}

fn name_length(name: &str) -> u16 {
    u16::try_from(name.len()).expect("an archive's names are short")
}

/// What stands before a file's content.
pub(crate) fn local(out: &mut Vec<u8>, name: &str, is_large: bool) {
    let (version, extra) = if is_large {
        (VERSION_ZIP64, 20)
    } else {
        (VERSION, 0)
    };
    let sizes = if is_large { u32::MAX } else { 0 };
    Record(out)
        .u32(LOCAL)
        .u16(version)
        .u16(FLAGS)
        .u16(DEFLATED)
        .u16(0)
        .u16(DATE)
        .u32(0)
        .u32(sizes)
        .u32(sizes)
        .u16(name_length(name))
        .u16(extra)
        .bytes(name.as_bytes());
    if is_large {
        Record(out).u16(ZIP64_EXTRA).u16(16).u64(0).u64(0);
    }
}

/// What stands behind a file's content.
pub(crate) fn descriptor(out: &mut Vec<u8>, entry: &Entry) {
    let record = Record(out).u32(DESCRIPTOR).u32(entry.crc);
    if entry.is_large {
        record.u64(entry.deflated_bytes).u64(entry.bytes);
    } else {
        record.u32(short(entry.deflated_bytes)).u32(short(entry.bytes));
    }
}

/// A file in the directory at the end.
pub(crate) fn central(out: &mut Vec<u8>, entry: &Entry) {
    let long: Vec<u64> = [entry.bytes, entry.deflated_bytes, entry.start]
        .into_iter()
        .filter(|number| is_long(*number))
        .collect();
    let extra = if long.is_empty() { 0 } else { 4 + 8 * long.len() };
    let version = if entry.is_large || extra > 0 {
        VERSION_ZIP64
    } else {
        VERSION
    };
    Record(out)
        .u32(CENTRAL)
        .u16(MADE_BY)
        .u16(version)
        .u16(FLAGS)
        .u16(DEFLATED)
        .u16(0)
        .u16(DATE)
        .u32(entry.crc)
        .u32(short(entry.deflated_bytes))
        .u32(short(entry.bytes))
        .u16(name_length(&entry.name))
        .u16(u16::try_from(extra).expect("three numbers"))
        .u16(0)
        .u16(0)
        .u16(0)
        .u32(MODE)
        .u32(short(entry.start))
        .bytes(entry.name.as_bytes());
    if extra > 0 {
        Record(out)
            .u16(ZIP64_EXTRA)
            .u16(u16::try_from(extra - 4).expect("three numbers"));
        for number in long {
            Record(out).u64(number);
        }
    }
}

/// The end of an archive whose directory has `size` bytes and begins at `start`.
pub(crate) fn end(out: &mut Vec<u8>, entries: usize, start: u64, size: u64) {
    if is_long(start) || is_long(size) {
        Record(out)
            .u32(ZIP64_END)
            .u64(44)
            .u16(MADE_BY)
            .u16(VERSION_ZIP64)
            .u32(0)
            .u32(0)
            .u64(entries as u64)
            .u64(entries as u64)
            .u64(size)
            .u64(start)
            .u32(ZIP64_LOCATOR)
            .u32(0)
            .u64(start + size)
            .u32(1);
    }
    let entries = u16::try_from(entries).expect("an archive has a handful of files");
    Record(out)
        .u32(END)
        .u16(0)
        .u16(0)
        .u16(entries)
        .u16(entries)
        .u32(short(size))
        .u32(short(start))
        .u16(0);
}
