//! A user id as a keyed hash of 128 bits: compact, and exact for every purpose, since two ids of
//! one hash are not to be found without the key.

use std::hash::{Hash, Hasher};

use siphasher::sip128::{Hasher128, SipHasher13};

/// A user id under a secret key.
///
/// Four words, the highest first: the first decides the partition, the last two the place in a
/// table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fingerprint([u32; 4]);

/// How many bytes it is stored as.
pub(crate) const FINGERPRINT_BYTES: usize = 16;

impl Fingerprint {
    pub(crate) fn of(user_id: &str, key: &[u8; 16]) -> Self {
        let mut hasher = SipHasher13::new_with_key(key);
        hasher.write(user_id.as_bytes());
        Self::from_bytes(hasher.finish128().as_bytes())
    }

    /// Which of `count` partitions it belongs to: each has the fingerprints of one range, and the
    /// ranges are in order.
    pub(crate) fn partition(self, count: u32) -> u32 {
        let partition = (u64::from(self.0[0]) * u64::from(count)) >> 32;
        // Below `count`, since the first word is below 2^32.
        partition as u32
    }

    pub(crate) fn to_bytes(self) -> [u8; FINGERPRINT_BYTES] {
        let [a, b, c, d] = self.0.map(u128::from);
        (a << 96 | b << 64 | c << 32 | d).to_be_bytes()
    }

    pub(crate) fn from_bytes(bytes: [u8; FINGERPRINT_BYTES]) -> Self {
        let bits = u128::from_be_bytes(bytes);
        Self([96, 64, 32, 0].map(|shift| (bits >> shift) as u32))
    }
}

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.0[3]) << 32 | u64::from(self.0[2]));
    }
}

/// A fingerprint is a hash already.
#[derive(Default)]
pub(crate) struct OwnHash(u64);

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
    fn partitions_are_ranges_in_order_and_of_one_size() {
        let mut users: Vec<_> = (0..10_000)
            .map(|user| Fingerprint::of(&format!("u{user}"), &[7; 16]))
            .collect();
        users.sort_unstable();

        let partitions: Vec<_> = users.iter().map(|user| user.partition(7)).collect();

        assert!(partitions.is_sorted());
        for partition in 0..7 {
            let size = partitions.iter().filter(|other| **other == partition).count();
            assert!((1_200..1_700).contains(&size), "{partition}: {size}");
        }
    }

    #[test]
    fn a_stored_fingerprint_is_the_same() {
        let fingerprint = Fingerprint::of("u1", &[7; 16]);

        assert_eq!(Fingerprint::from_bytes(fingerprint.to_bytes()), fingerprint);
    }
}
