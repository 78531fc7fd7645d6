//! Where the audience comes from: generated, or a file of the user's. Streamed either way.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use tokio_util::io::ReaderStream;

use super::error::Error;
use super::generator;

/// How much of a file is read at a time.
const READ_BYTES: usize = 64 << 10;

/// The audience's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// So many made-up users.
    Generated(u64),
    /// This file.
    File(PathBuf),
}

/// An audience file on its way, and how much of it has passed.
pub(super) struct Upload {
    /// The bytes, from the first on.
    pub(super) bytes: BoxStream<'static, io::Result<Bytes>>,
    /// Lines that have passed, the header too.
    pub(super) lines: Arc<AtomicU64>,
}

impl Source {
    /// How many rows to expect. Of a file, its lines without the header: more than there are
    /// records where values have lines.
    pub(super) async fn rows(&self) -> Result<u64, Error> {
        match self {
            Self::Generated(users) => Ok(*users),
            Self::File(path) => {
                let counted = path.clone();
                let lines = tokio::task::spawn_blocking(move || count_lines(&counted)).await;
                let lines = lines.map_err(|_| Error::Panicked)?;
                Ok(lines
                    .map_err(|source| unreadable(path, source))?
                    .saturating_sub(1))
            }
        }
    }

    /// The file, to be sent.
    pub(super) async fn open(&self) -> Result<Upload, Error> {
        let bytes = match self {
            Self::Generated(users) => stream::iter(generator::blocks(*users)).map(Ok).boxed(),
            Self::File(path) => {
                let file = tokio::fs::File::open(path).await;
                let file = file.map_err(|source| unreadable(path, source))?;
                ReaderStream::with_capacity(file, READ_BYTES).boxed()
            }
        };
        let lines = Arc::new(AtomicU64::new(0));
        let passed = lines.clone();
        let count = move |bytes: &io::Result<Bytes>| {
            if let Ok(bytes) = bytes {
                passed.fetch_add(line_ends(bytes), Ordering::Relaxed);
            }
        };
        Ok(Upload {
            bytes: bytes.inspect(count).boxed(),
            lines,
        })
    }
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        source,
    }
}

fn count_lines(path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; READ_BYTES];
    let mut lines = 0;
    let mut last = b'\n';
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(lines + u64::from(last != b'\n'));
        }
        lines += line_ends(&buffer[..read]);
        last = buffer[read - 1];
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use futures::TryStreamExt;

    use super::*;

    async fn sent(source: &Source) -> (Vec<u8>, u64) {
        let upload = source.open().await.unwrap();
        let bytes: Vec<Bytes> = upload.bytes.try_collect().await.unwrap();
        (bytes.concat(), upload.lines.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn a_file_is_sent_as_it_is_and_its_rows_are_counted_with_an_unended_last_one() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"user_id\na\nb\nc").unwrap();
        let source = Source::File(file.path().to_owned());

        let rows = source.rows().await.unwrap();
        let (bytes, lines) = sent(&source).await;

        assert_eq!(rows, 3);
        assert_eq!(bytes, b"user_id\na\nb\nc");
        assert_eq!(lines, 3);
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_named() {
        let source = Source::File("no/such.csv".into());

        let error = source.rows().await.unwrap_err();

        assert_eq!(error.to_string(), "cannot read no/such.csv");
    }

    #[tokio::test]
    async fn a_generated_audience_has_the_rows_that_were_asked_for() {
        let source = Source::Generated(1_234);

        let (_, lines) = sent(&source).await;

        assert_eq!(source.rows().await.unwrap(), 1_234);
        assert_eq!(lines, 1_235);
    }
}
