//! The users of the one chunk, named by their places in it.

use std::fmt;
use std::hash::{Hash, Hasher};

use campaign::Places;

/// How many users the chunk has.
pub(super) const USERS: usize = 2;

/// Some of the chunk's users; a set that can be part of a state.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Users(pub(super) Places);

impl Users {
    pub(super) const NONE: Self = Self(Places::NONE);

    /// Every place of the chunk.
    pub(super) fn places() -> impl Iterator<Item = u16> {
        (0..).take(USERS)
    }

    /// Those at the places for which it holds.
    pub(super) fn those(holds: impl Fn(u16) -> bool) -> Self {
        Self(Self::places().filter(|place| holds(*place)).collect())
    }

    pub(super) fn contains(self, place: u16) -> bool {
        self.0.contains(place)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(self) -> impl Iterator<Item = u16> {
        Self::places().filter(move |place| self.contains(*place))
    }

    pub(super) fn count(self) -> u32 {
        u32::try_from(self.iter().count()).expect("a chunk's users are few")
    }
}

impl Hash for Users {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // A bit for each place; the model's chunk has no more than the first byte holds.
        self.0.as_bytes()[0].hash(state);
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
