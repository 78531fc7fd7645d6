//! Recorded commits: what all clients are to write.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use bytes::Bytes;
use gcloud_sdk::google::datastore::v1::mutation::Operation;
use gcloud_sdk::google::datastore::v1::{CommitRequest, Entity};
use prost::Message;

/// The encoded commits of a record, one after the other.
pub(super) struct Requests(BufReader<File>);

impl Requests {
    /// Of a recorder's file.
    pub(super) fn open(file: &Path) -> anyhow::Result<Self> {
        Ok(Self(BufReader::new(File::open(file)?)))
    }

    fn read(&mut self) -> anyhow::Result<Option<Bytes>> {
        let mut length = [0; 4];
        match self.0.read(&mut length[..1])? {
            0 => return Ok(None),
            _ => self.0.read_exact(&mut length[1..])?,
        }
        let mut message = vec![0; u32::from_le_bytes(length) as usize];
        self.0.read_exact(&mut message)?;
        Ok(Some(message.into()))
    }
}

impl Iterator for Requests {
    type Item = anyhow::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// The entities that a commit inserts.
pub(super) fn entities(commit: Bytes) -> anyhow::Result<Vec<Entity>> {
    let commit = CommitRequest::decode(commit)?;
    let inserted = commit
        .mutations
        .into_iter()
        .map(|mutation| match mutation.operation {
            Some(Operation::Insert(entity)) => Ok(entity),
            other => anyhow::bail!("a fan-out inserts, and this is {other:?}"),
        });
    inserted.collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_was_recorded_is_read_until_its_end_and_a_torn_one_is_an_error() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"\x02\0\0\0ab\0\0\0\0\x09\0\0\0c").unwrap();

        let mut requests = Requests::open(file.path()).unwrap();

        assert_eq!(requests.next().unwrap().unwrap(), "ab");
        assert_eq!(requests.next().unwrap().unwrap(), "");
        assert!(requests.next().unwrap().is_err());
    }
}
