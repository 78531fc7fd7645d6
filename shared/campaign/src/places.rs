//! Recipients of one chunk, named by their places in it.
//!
//! An intent names the pushes it is about by a bit for each place, which is small, needs no
//! user id, and stays true when a user is erased.

/// Places that a chunk can have: enough for its 499 recipients.
const MAX_PLACES: usize = 512;

/// A set of places, as a bit map: bit `place % 8` of byte `place / 8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places([u8; MAX_PLACES / 8]);

impl Places {
    /// No place.
    pub const NONE: Self = Self([0; MAX_PLACES / 8]);

    /// The set that was stored as these bytes.
    pub fn from_bytes(bytes: [u8; MAX_PLACES / 8]) -> Self {
        Self(bytes)
    }

    /// The set as bytes to be stored.
    pub fn as_bytes(&self) -> &[u8; MAX_PLACES / 8] {
        &self.0
    }

    /// Whether the place is in the set. One that no chunk has never is.
    pub fn contains(&self, place: u16) -> bool {
        let (byte, bit) = position(place);
        self.0.get(byte).is_some_and(|bits| bits & bit != 0)
    }

    /// The places of the set, in their order.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        let places = 0..u16::try_from(MAX_PLACES).unwrap_or(u16::MAX);
        places.filter(|place| self.contains(*place))
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }
}

impl FromIterator<u16> for Places {
    /// Collects places; one that no chunk has is left out.
    fn from_iter<I: IntoIterator<Item = u16>>(places: I) -> Self {
        let mut set = Self::NONE;
        for place in places {
            let (byte, bit) = position(place);
            if let Some(bits) = set.0.get_mut(byte) {
                *bits |= bit;
            }
        }
        set
    }
}

fn position(place: u16) -> (usize, u8) {
    (usize::from(place / 8), 1 << (place % 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_collected_and_survives_storage() {
        let set = [0, 7, 8, 498, 511].into_iter().collect::<Places>();

        let stored = Places::from_bytes(*set.as_bytes());

        let held = (0..=600)
            .filter(|place| stored.contains(*place))
            .collect::<Vec<_>>();
        assert_eq!(held, [0, 7, 8, 498, 511]);
        assert_eq!(stored.iter().collect::<Vec<_>>(), held);
        assert!(Places::NONE.is_empty() && !stored.is_empty());
    }

    #[test]
    fn a_place_that_no_chunk_has_is_in_no_set() {
        let set = [512, u16::MAX].into_iter().collect::<Places>();

        assert!(set.is_empty() && !set.contains(512));
    }
}
