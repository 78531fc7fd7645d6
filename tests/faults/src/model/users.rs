//! The users of the one chunk, named by their places in it.

use std::fmt;

use campaign::Places;

/// How many users the chunk has.
pub(super) const USERS: usize = 2;

/// Some of the chunk's users: the byte of [`Places`] that so small a chunk needs, as a state must
/// be small.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Users(u8);

impl Users {
    pub(super) const NONE: Self = Self(0);

    /// Every place of the chunk.
    pub(super) fn places() -> impl Iterator<Item = u16> {
        (0..).take(USERS)
    }

    /// Those at the places for which it holds.
    pub(super) fn those(holds: impl Fn(u16) -> bool) -> Self {
        Self::of(&Self::places().filter(|place| holds(*place)).collect())
    }

    /// Those that the product names so.
    pub(super) fn of(places: &Places) -> Self {
        Self(places.as_bytes()[0])
    }

    pub(super) fn contains(self, place: u16) -> bool {
        let mut bytes = *Places::NONE.as_bytes();
        bytes[0] = self.0;
        Places::from_bytes(bytes).contains(place)
    }

    pub(super) fn is_empty(self) -> bool {
        self == Self::NONE
    }

    pub(super) fn iter(self) -> impl Iterator<Item = u16> {
        Self::places().filter(move |place| self.contains(*place))
    }

    pub(super) fn count(self) -> u32 {
        self.0.count_ones()
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
