//! Where one push stands, as one value: its state, and its reason if it is final.

use crate::{CampaignState, PushState, Raised, Reason};

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

/// With what reason the unsettled pushes of a campaign in that state read as cancelled.
pub(crate) fn reason_of_the_unsettled(campaign: CampaignState) -> Option<Reason> {
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
