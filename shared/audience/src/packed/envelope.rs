//! What is around packed content in the database: a version, a checksum and compression.

use xxhash_rust::xxh3::xxh3_64;

use super::Corrupt;

const VERSION: u8 = 1;

/// Bytes before the checked part: the version and the checksum.
const PREFIX: usize = 9;

/// The longest content: several times that of the largest chunk there can be.
pub(super) const MAX_CONTENT_BYTES: usize = 16 * 1024 * 1024;

/// The content as the database keeps it.
pub(crate) fn seal(content: &[u8]) -> Vec<u8> {
    let compressed = lz4_flex::compress_prepend_size(content);
    let mut bytes = Vec::with_capacity(PREFIX + compressed.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&xxh3_64(&compressed).to_be_bytes());
    bytes.extend_from_slice(&compressed);
    bytes
}

/// The content of what was sealed.
pub(crate) fn open(bytes: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let (prefix, compressed) = bytes.split_at_checked(PREFIX).ok_or(Corrupt::Content("length"))?;
    if prefix[0] != VERSION {
        return Err(Corrupt::Version(prefix[0]));
    }
    if prefix[1..] != xxh3_64(compressed).to_be_bytes() {
        return Err(Corrupt::Checksum);
    }
    let (length, block) =
        lz4_flex::block::uncompressed_size(compressed).map_err(|_| Corrupt::Content("block"))?;
    if length > MAX_CONTENT_BYTES {
        return Err(Corrupt::Content("length"));
    }
    lz4_flex::decompress(block, length).map_err(|_| Corrupt::Content("block"))
}
