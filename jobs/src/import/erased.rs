//! Keeps erased users out of new chunks.
//!
//! A file that was uploaded before a user's erasure still names that user. The import leaves a
//! tombstone in the user's place, as the erasure does in chunks that were there; number, size
//! and digest of the chunk stay what the file gives, so a resumed import meets its own chunks.

use audience::Unpacked;
use database::{Tx, erasure};

use crate::Error;

/// Whether anybody was ever erased. Asked in the transaction that inserts, after it has locked
/// the audience: what it does not see is requested later, and the erasure comes to the chunk.
pub(super) async fn is_anybody(tx: &mut Tx) -> Result<bool, Error> {
    Ok(erasure::exists(tx).await?)
}

/// The packed chunk with tombstones in the place of users whose erasure was ever asked for.
pub(super) async fn without(tx: &mut Tx, packed: &[u8]) -> Result<Vec<u8>, Error> {
    let users = {
        let chunk = Unpacked::open(packed).map_err(|error| Error::stored("a chunk just packed", error))?;
        let users: Vec<_> = chunk
            .iter()
            .flatten()
            .map(|recipient| recipient.user_id)
            .collect();
        erasure::list_erased_among(tx, &users).await?
    };
    let mut bytes = packed.to_vec();
    for user in &users {
        let erased =
            audience::erase(&bytes, user).map_err(|error| Error::stored("a chunk just packed", error))?;
        bytes = erased.unwrap_or(bytes);
    }
    Ok(bytes)
}
