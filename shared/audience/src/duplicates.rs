//! Which user ids were accepted, and on which line.
//!
//! An id is remembered as a keyed 128-bit hash: compact, and exact for every purpose, since
//! two ids of one hash are not to be found without the key. The hashes are spread over
//! partitions that grow one at a time; each could be kept elsewhere than in memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use siphasher::sip128::{Hasher128, SipHasher13};

const PARTITIONS: usize = 64;

/// The accepted ids of one file. About 40 bytes an id.
#[derive(Debug)]
pub(crate) struct AcceptedIds {
    key: [u8; 16],
    partitions: Vec<HashMap<Fingerprint, u32, BuildHasherDefault<OwnHash>>>,
}

impl AcceptedIds {
    /// None yet. The key is random and secret, so that nobody can make two ids meet.
    pub(crate) fn new(key: [u8; 16]) -> Self {
        Self {
            key,
            partitions: (0..PARTITIONS).map(|_| HashMap::default()).collect(),
        }
    }

    /// Remembers the id as accepted on that line; or, if it was before, says on which.
    pub(crate) fn insert(&mut self, user_id: &str, line: u32) -> Result<(), u32> {
        let fingerprint = Fingerprint::of(user_id, &self.key);
        match self.partitions[fingerprint.partition()].entry(fingerprint) {
            Entry::Occupied(accepted) => Err(*accepted.get()),
            Entry::Vacant(place) => {
                place.insert(line);
                Ok(())
            }
        }
    }
}

/// In 32-bit words, so that a table's entry has 20 bytes and not 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fingerprint([u32; 4]);

impl Fingerprint {
    fn of(user_id: &str, key: &[u8; 16]) -> Self {
        let mut hasher = SipHasher13::new_with_key(key);
        hasher.write(user_id.as_bytes());
        let hash = hasher.finish128().as_u128();
        Self([
            hash as u32,
            (hash >> 32) as u32,
            (hash >> 64) as u32,
            (hash >> 96) as u32,
        ])
    }

    /// By other bits than those by which a table places its entries.
    fn partition(self) -> usize {
        self.0[3] as usize % PARTITIONS
    }
}

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.0[1]) << 32 | u64::from(self.0[0]));
    }
}

/// A fingerprint is a hash already.
#[derive(Default)]
struct OwnHash(u64);

impl Hasher for OwnHash {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only fingerprints are hashed, and they write one u64");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_insert_names_the_line_of_the_first() {
        let mut ids = AcceptedIds::new([7; 16]);

        assert_eq!(ids.insert("u1", 2), Ok(()));
        assert_eq!(ids.insert("u2", 3), Ok(()));
        assert_eq!(ids.insert("u1", 9), Err(2));
        assert_eq!(ids.insert("u1", 10), Err(2), "a refused one is not remembered");
        assert_eq!(ids.insert("U1", 11), Ok(()), "case counts");
    }

    #[test]
    fn every_one_of_many_ids_is_told_apart() {
        let mut ids = AcceptedIds::new([7; 16]);

        for line in 0..100_000 {
            assert_eq!(ids.insert(&format!("u{line}"), line), Ok(()));
        }
        for line in 0..100_000 {
            assert_eq!(ids.insert(&format!("u{line}"), 0), Err(line));
        }
    }
}
