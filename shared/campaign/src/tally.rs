//! Counts of pushes by state and reason, and the law that they must obey.
//!
//! A tally is always computed from truth and replaced whole, never incremented across stores.
//! A campaign is finished only when [`Balance::missing`] has nothing to say.

use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::{CampaignState, PushState, Raised, Reason};

/// How many pushes are in which state, and for what reason.
///
/// As JSON: `{"pending": 3, "granted": 0, "settled": {"accepted": 495, "no_device": 1}}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Expanded, and nothing decided yet.
    pub pending: u64,
    /// Granted a coupon and not settled.
    pub granted: u64,
    /// Final ones by reason, which tells the state. Reasons without a push are absent.
    pub settled: BTreeMap<Reason, u64>,
}

/// Where one push stands: a state that is not final, or the reason of a final one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Nothing decided yet.
    Pending,
    /// Its coupon is granted.
    Granted,
    /// Final, for this reason.
    Settled(Reason),
}

impl Standing {
    /// Where a push stands that is stored with this state and reason; `None` if they disagree.
    pub fn of(state: PushState, reason: Option<Reason>) -> Option<Self> {
        let standing = match (state, reason) {
            (PushState::Pending, None) => Self::Pending,
            (PushState::Granted, None) => Self::Granted,
            (_, Some(reason)) => Self::Settled(reason),
            (_, None) => return None,
        };
        (standing.state() == state).then_some(standing)
    }

    /// Why, for a push that is final.
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::Pending | Self::Granted => None,
            Self::Settled(reason) => Some(reason),
        }
    }

    /// Raises `self` to `to` if that is further on; the first final standing stays.
    pub fn raise(&mut self, to: Self) -> Raised {
        let raised = self.state().raise(to.state());
        if raised == Raised::Raised {
            *self = to;
        }
        raised
    }

    /// The state of a push that stands so.
    pub fn state(self) -> PushState {
        match self {
            Self::Pending => PushState::Pending,
            Self::Granted => PushState::Granted,
            Self::Settled(reason) => reason.state(),
        }
    }

    /// How the push reads in a campaign of that state: one that is not settled when its campaign
    /// was cancelled or failed reads as cancelled. Nothing needs to be written for that.
    pub fn read_in(self, campaign: CampaignState) -> Self {
        match (self, reason_of_the_unsettled(campaign)) {
            (Self::Pending | Self::Granted, Some(reason)) => Self::Settled(reason),
            (standing, _) => standing,
        }
    }
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

/// With what reason the unsettled pushes of a campaign in that state read as cancelled.
fn reason_of_the_unsettled(campaign: CampaignState) -> Option<Reason> {
    match campaign {
        CampaignState::Cancelled => Some(Reason::CampaignCancelled),
        CampaignState::Failed => Some(Reason::CampaignFailed),
        CampaignState::Draft
        | CampaignState::Scheduled
        | CampaignState::Running
        | CampaignState::Paused
        | CampaignState::Finished => None,
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

/// What is known of a campaign when it is asked whether it may be finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Recipients of the audience.
    pub audience: u64,
    /// Pushes of the chunks whose markers are there.
    pub expanded: u64,
    /// Those pushes, by state and reason.
    pub tally: Tally,
    /// Intents that are not closed.
    pub open_intents: u64,
}

/// One thing that keeps a campaign from being finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// Fan-out is not done.
    #[error("{count} of {audience} recipients are not expanded")]
    NotExpanded {
        /// How many.
        count: u64,
        /// Of how many.
        audience: u64,
    },
    /// There are more pushes than recipients: a fault of ours.
    #[error("{count} pushes more than the {audience} recipients were expanded")]
    ExpandedTooMany {
        /// How many.
        count: u64,
        /// Than how many.
        audience: u64,
    },
    /// Some pushes are pending or granted.
    #[error("{pending} pushes are pending and {granted} granted, of {expanded} expanded")]
    NotSettled {
        /// How many have nothing decided yet.
        pending: u64,
        /// How many have their coupon and nothing else.
        granted: u64,
        /// Of how many.
        expanded: u64,
    },
    /// The tally counts other pushes than those expanded.
    #[error("the tally counts {counted} pushes, but {expanded} were expanded")]
    TallyDiffers {
        /// How many the tally counts.
        counted: u64,
        /// How many there are.
        expanded: u64,
    },
    /// Some rendezvous is not known to have ended on both sides.
    #[error("{count} intents are open")]
    OpenIntents {
        /// How many.
        count: u64,
    },
}

impl Balance {
    /// What is missing for the conservation law: everybody expanded once, every push final, no
    /// intent open. Nothing missing means that the campaign may be finished.
    pub fn missing(&self) -> Vec<Missing> {
        let Self {
            audience, expanded, ..
        } = *self;
        let Tally { pending, granted, .. } = self.tally;
        let counted = self.tally.total();
        let mut missing = Vec::new();
        if expanded < audience {
            let count = audience - expanded;
            missing.push(Missing::NotExpanded { count, audience });
        }
        if expanded > audience {
            let count = expanded - audience;
            missing.push(Missing::ExpandedTooMany { count, audience });
        }
        if pending + granted > 0 {
            missing.push(Missing::NotSettled {
                pending,
                granted,
                expanded,
            });
        }
        if counted != expanded {
            missing.push(Missing::TallyDiffers { counted, expanded });
        }
        if self.open_intents > 0 {
            let count = self.open_intents;
            missing.push(Missing::OpenIntents { count });
        }
        missing
    }
}
