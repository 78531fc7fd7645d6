//! Counts of pushes by state and reason.
//!
//! A tally is always computed from truth and replaced whole, never incremented across stores.
//! [`crate::Balance`] has the law that a campaign's tally must obey.

use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::AddAssign;

use crate::standing::reason_of_the_unsettled;
use crate::{CampaignState, PushState, Reason, Standing};

/// How many pushes are in which state, and for what reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Expanded, and nothing decided yet.
    pub pending: u64,
    /// Granted a coupon and not settled.
    pub granted: u64,
    /// Final ones by reason, which tells the state. Reasons without a push are absent.
    pub settled: BTreeMap<Reason, u64>,
}

impl Tally {
    /// How many pushes are in that state.
    pub fn count(&self, state: PushState) -> u64 {
        match state {
            PushState::Pending => self.pending,
            PushState::Granted => self.granted,
            PushState::Sent
            | PushState::Failed
            | PushState::Skipped
            | PushState::Cancelled
            | PushState::Expired => self
                .settled
                .iter()
                .filter(|(reason, _)| reason.state() == state)
                .map(|(_, count)| count)
                .sum(),
        }
    }

    /// How many pushes are final.
    pub fn settled(&self) -> u64 {
        self.settled.values().sum()
    }

    /// How many pushes there are.
    pub fn total(&self) -> u64 {
        self.pending + self.granted + self.settled()
    }

    /// Counts `count` more pushes that stand so.
    pub fn add(&mut self, standing: Standing, count: u64) {
        match standing {
            Standing::Pending => self.pending += count,
            Standing::Granted => self.granted += count,
            Standing::Settled(_) if count == 0 => {}
            Standing::Settled(reason) => *self.settled.entry(reason).or_default() += count,
        }
    }

    /// Moves one push that stands as `from` to `to`.
    pub fn move_one(&mut self, from: Standing, to: Standing) {
        match from {
            Standing::Pending => self.pending -= 1,
            Standing::Granted => self.granted -= 1,
            Standing::Settled(reason) => {
                if let Some(count) = self.settled.get_mut(&reason) {
                    *count -= 1;
                    self.settled.retain(|_, count| *count > 0);
                }
            }
        }
        self.add(to, 1);
    }

    /// How the tally reads in a campaign of that state with `audience` recipients: in one that
    /// was cancelled or failed, everybody who is not sent, failed, skipped or expired is
    /// cancelled, expanded or not. In others it reads as it is.
    pub fn read_in(&self, campaign: CampaignState, audience: u64) -> Self {
        let Some(reason) = reason_of_the_unsettled(campaign) else {
            return self.clone();
        };
        let mut read = Self::default();
        for (reason, count) in &self.settled {
            if reason.state() != PushState::Cancelled {
                read.add(Standing::Settled(*reason), *count);
            }
        }
        let cancelled = audience.saturating_sub(read.total());
        read.add(Standing::Settled(reason), cancelled);
        read
    }
}

impl FromIterator<Standing> for Tally {
    fn from_iter<I: IntoIterator<Item = Standing>>(standings: I) -> Self {
        let mut tally = Self::default();
        for standing in standings {
            tally.add(standing, 1);
        }
        tally
    }
}

impl AddAssign<&Self> for Tally {
    fn add_assign(&mut self, other: &Self) {
        self.pending += other.pending;
        self.granted += other.granted;
        for (reason, count) in &other.settled {
            self.add(Standing::Settled(*reason), *count);
        }
    }
}

impl<'a> Sum<&'a Self> for Tally {
    fn sum<I: Iterator<Item = &'a Self>>(tallies: I) -> Self {
        let mut sum = Self::default();
        for tally in tallies {
            sum += tally;
        }
        sum
    }
}
