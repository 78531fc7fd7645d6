//! Which user ids were accepted, and on which line. About 40 bytes an id.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasherDefault;

use crate::fingerprint::{Fingerprint, OwnHash};

/// Ids that were accepted.
#[derive(Debug, Default)]
pub(crate) struct AcceptedIds(HashMap<Fingerprint, u32, BuildHasherDefault<OwnHash>>);

impl AcceptedIds {
    /// Remembers the id as accepted on that line; or, if it was before, says on which.
    pub(crate) fn insert(&mut self, user: Fingerprint, line: u32) -> Result<(), u32> {
        match self.0.entry(user) {
            Entry::Occupied(accepted) => Err(*accepted.get()),
            Entry::Vacant(place) => {
                place.insert(line);
                Ok(())
            }
        }
    }

    /// Whether the id was accepted.
    pub(crate) fn contains(&self, user: Fingerprint) -> bool {
        self.0.contains_key(&user)
    }

    /// Forgets them all, and keeps the memory for others.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(user_id: &str) -> Fingerprint {
        Fingerprint::of(user_id, &[7; 16])
    }

    #[test]
    fn a_second_insert_names_the_line_of_the_first() {
        let mut ids = AcceptedIds::default();

        assert_eq!(ids.insert(id("u1"), 2), Ok(()));
        assert_eq!(ids.insert(id("u2"), 3), Ok(()));
        assert_eq!(ids.insert(id("u1"), 9), Err(2));
        assert_eq!(
            ids.insert(id("u1"), 10),
            Err(2),
            "a refused one is not remembered"
        );
        assert_eq!(ids.insert(id("U1"), 11), Ok(()), "case counts");
    }

    #[test]
    fn every_one_of_many_ids_is_told_apart() {
        let mut ids = AcceptedIds::default();

        for line in 0..100_000 {
            assert_eq!(ids.insert(id(&format!("u{line}")), line), Ok(()));
        }
        for line in 0..100_000 {
            assert_eq!(ids.insert(id(&format!("u{line}")), 0), Err(line));
        }
    }
}
