//! The states of a push.
//!
//! ```text
//!   pending ──▶ granted ──▶ sent | failed | skipped | cancelled | expired
//!      └──────────────────▶ (the five final states)
//! ```
//!
//! States are totally ordered for writing: they only rise, and among the final ones the first
//! that was written stays. So a redo, a late result and a second copy of a task are harmless.

use crate::word::words;

words! {
    /// Where a push is on its way.
    PushState {
        /// Expanded, and nothing decided yet.
        Pending = "pending",
        /// Its coupon is granted; it waits for delivery.
        Granted = "granted",
        /// At least one of the user's addresses was accepted by its gateway.
        Sent = "sent",
        /// No address was accepted, and none will be.
        Failed = "failed",
        /// Not meant to be sent, for the reason beside it.
        Skipped = "skipped",
        /// Its campaign was cancelled before it was sent.
        Cancelled = "cancelled",
        /// Its time to live ran out before it was sent.
        Expired = "expired",
    }
}

/// What became of an attempt to raise a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    /// The new state holds now.
    Raised,
    /// The push was as far or further; its state stays.
    Stays,
}

impl PushState {
    /// Whether nothing can follow.
    pub fn is_final(self) -> bool {
        self.rank() == 2
    }

    /// Raises `self` to `to` if that is further on; a repeat of a raise changes nothing.
    pub fn raise(&mut self, to: Self) -> Raised {
        if to.rank() > self.rank() {
            *self = to;
            Raised::Raised
        } else {
            Raised::Stays
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Granted => 1,
            Self::Sent | Self::Failed | Self::Skipped | Self::Cancelled | Self::Expired => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_only_rise_and_the_first_final_one_stays() {
        for from in PushState::ALL {
            for to in PushState::ALL {
                let mut state = from;
                let raised = state.raise(to);

                assert_eq!(raised == Raised::Raised, to.rank() > from.rank());
                assert_eq!(state, if raised == Raised::Raised { to } else { from });
                assert_eq!(state.raise(to), Raised::Stays, "a repeat changes nothing");
            }
        }
    }
}
