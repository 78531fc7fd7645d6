//! Chunks of recipients as the database keeps them: packed into a few tens of kilobytes.
//!
//! A recipient's position in its chunk never changes. Erasing a user leaves an empty place
//! there, and the digest, taken when the chunk was packed, stays beside it as it was. Bytes
//! that are not a packed chunk are an error and never a panic.
//!
//! ```text
//! version: 1 byte ‖ xxh3-64 of the rest: 8 bytes, big endian ‖ LZ4 block with its length of:
//!
//! numbers, as LEB128: how many bytes the numbers that follow take, then
//!     how many variables, locales and recipients
//!     the lengths of: time zone name, variable names, locales
//!     for each recipient: locale (0 is none, 1 the first …), length of user id, of each value
//! ‖ text: what those lengths measure, in the same order, as one piece of UTF-8
//! ```
//! An erased recipient has no user id, no locale and empty values. LZ4 takes off a third where
//! rows hold little but an id, and more than half where they hold texts, for 0.2 µs a recipient.

mod envelope;
mod pack;
mod unpack;
mod varint;

pub use pack::{Packed, Packer};
pub use unpack::{Unpacked, erase};

pub(crate) use envelope::{open as open_sealed, seal};
pub(crate) use varint::{read as read_number, write as write_number};

/// Bytes that are not a packed chunk or a run of rows, or not any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corrupt {
    /// They begin with a version that this program does not know.
    #[error("packed content of version {0}, which is not known")]
    Version(u8),
    /// They are not what was stored.
    #[error("packed content with a wrong checksum")]
    Checksum,
    /// They were never written by this program.
    #[error("packed content with a wrong {0}")]
    Content(&'static str),
}

/// The SHA-256 of a chunk's content as it was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);
