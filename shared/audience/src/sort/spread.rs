//! The first step: rows, in the order of the file, into the partitions' runs.

use super::row;
use crate::fingerprint::Fingerprint;
use crate::packed::seal;
use crate::{Recipient, Variables};

/// The content of a run: under 1 MiB when it is sealed, whatever it holds.
const RUN_BYTES: usize = 960 * 1024;

/// Some rows of a partition, in the order of the file, as the store keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Whose rows.
    pub partition: u32,
    /// At most 1 MiB.
    pub bytes: Vec<u8>,
}

/// Rows that are spread and not given out yet.
#[derive(Debug)]
pub struct Spread {
    hash_key: [u8; 16],
    partitions: Vec<Vec<u8>>,
    full: Vec<Run>,
    bytes: usize,
}

impl Spread {
    /// No rows yet. The key is random and secret, so that nobody can make two ids meet, or fill
    /// one partition.
    pub fn new(hash_key: [u8; 16], partitions: u32) -> Self {
        Self {
            hash_key,
            partitions: (0..partitions).map(|_| Vec::new()).collect(),
            full: Vec::new(),
            bytes: 0,
        }
    }

    /// Adds the row that starts on that line.
    pub fn push(&mut self, line: u32, recipient: &Recipient<'_>) {
        let user = Fingerprint::of(recipient.user_id, &self.hash_key);
        let count = u32::try_from(self.partitions.len()).expect("it was made of a u32");
        let partition = user.partition(count);
        let rows = &mut self.partitions[partition as usize];
        let before = rows.len();
        row::write(rows, user, line, recipient);
        self.bytes += rows.len() - before;
        if rows.len() > RUN_BYTES {
            let bytes = seal(&rows[..before]);
            rows.drain(..before);
            self.full.push(Run { partition, bytes });
        }
    }

    /// Adds a user of whom nothing else matters.
    pub fn push_user(&mut self, user_id: &str) {
        let nothing_else = Recipient {
            user_id,
            time_zone: None,
            locale: None,
            variables: Variables::default(),
        };
        self.push(0, &nothing_else);
    }

    /// Bytes of the rows since the last [`Spread::take`].
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives all rows out. Those of one partition are in order, within a run and from run to run.
    pub fn take(&mut self) -> Vec<Run> {
        let mut runs = std::mem::take(&mut self.full);
        for (partition, rows) in (0..).zip(&mut self.partitions) {
            if !rows.is_empty() {
                let bytes = seal(rows);
                runs.push(Run { partition, bytes });
                rows.clear();
            }
        }
        self.bytes = 0;
        runs
    }
}

/// Rows as runs, of at most 1 MiB each.
pub(super) fn runs_of<'a>(rows: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let (mut runs, mut content) = (Vec::new(), Vec::new());
    for row in rows {
        if content.len() + row.len() > RUN_BYTES {
            runs.push(seal(&content));
            content.clear();
        }
        content.extend_from_slice(row);
    }
    if !content.is_empty() {
        runs.push(seal(&content));
    }
    runs
}
