//! The file on this machine, part by part.

use std::io::SeekFrom;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::api::Error;

/// Bytes of each part but the last.
pub(super) const PART: u64 = 1 << 20;

/// A file that is read in parts.
#[derive(Clone, Debug)]
pub(super) struct LocalFile {
    path: PathBuf,
    /// In bytes, when it was opened.
    pub(super) size: u64,
}

impl LocalFile {
    /// The file at that path, if it has anything in it.
    pub(super) async fn open(path: &Path) -> Result<Self, Error> {
        let unreadable = |source| Error::unreadable(path, source);
        let size = tokio::fs::metadata(path).await.map_err(unreadable)?.len();
        if size == 0 {
            return Err(unreadable(std::io::Error::other("it is empty")));
        }
        Ok(Self {
            path: path.to_owned(),
            size,
        })
    }

    /// How many parts it has.
    pub(super) fn parts(&self) -> u64 {
        self.size.div_ceil(PART)
    }

    /// The bytes of part `no`.
    pub(super) async fn read(&self, no: u64) -> Result<Vec<u8>, Error> {
        let read = async {
            let mut file = File::open(&self.path).await?;
            file.seek(SeekFrom::Start(no * PART)).await?;
            let mut bytes = Vec::new();
            file.take(PART).read_to_end(&mut bytes).await?;
            Ok(bytes)
        };
        read.await.map_err(|source| Error::unreadable(&self.path, source))
    }
}

/// The digest of a part, as the API names it.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(bytes)))
}
