//! The digest of a whole audience: the SHA-256 over its chunks' digests, in their order.

use sha2::Sha256;

use crate::Digest;

/// An audience's digest in the making.
#[derive(Clone, Debug, Default)]
pub struct AudienceDigest(Sha256);

impl AudienceDigest {
    /// Adds the next chunk.
    pub fn push(&mut self, chunk: Digest) {
        sha2::Digest::update(&mut self.0, chunk.0);
    }

    /// The digest over all chunks so far.
    pub fn finish(self) -> Digest {
        Digest(sha2::Digest::finalize(self.0).into())
    }
}
