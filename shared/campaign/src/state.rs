//! The states of a campaign.
//!
//! ```text
//!   draft ──schedule──▶ scheduled ──start──▶ running ◀──resume── paused
//!     │ ──────start───────────────────────────▲  │ ──────pause────▶ │
//!     │                    │                     ├──finish──▶ finished
//!     └──────cancel────────┴──────cancel─────────┴──cancel──▶ cancelled ◀── paused
//!                     scheduled, running, paused ──fail────▶ failed
//! ```

use crate::word::words;

words! {
    /// Where a campaign is on its way.
    CampaignState {
        /// May still be changed.
        Draft = "draft",
        /// Starts by itself when its time comes.
        Scheduled = "scheduled",
        /// Is expanded and delivered.
        Running = "running",
        /// Nothing of it is sent until it is resumed.
        Paused = "paused",
        /// Every push is settled and the counts agree.
        Finished = "finished",
        /// Stopped by a person for good.
        Cancelled = "cancelled",
        /// Stopped by the system for good, for the reason beside it.
        Failed = "failed",
    }
}

/// What can happen to a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transition {
    /// A person fixes its time.
    Schedule,
    /// A person, or its time, starts it.
    Start,
    /// A person holds it.
    Pause,
    /// A person lets it go on.
    Resume,
    /// Reconcile found that everything is settled and the counts agree.
    Finish,
    /// A person stops it for good.
    Cancel,
    /// The system stops it for good.
    Fail,
}

/// A transition that the campaign's state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a campaign that is {} cannot be {}", from.as_str(), transition.participle())]
pub struct CampaignStateError {
    /// The state it is in, and stays in.
    pub from: CampaignState,
    /// What was asked of it.
    pub transition: Transition,
}

impl Transition {
    /// Every transition.
    pub const ALL: [Self; 7] = [
        Self::Schedule,
        Self::Start,
        Self::Pause,
        Self::Resume,
        Self::Finish,
        Self::Cancel,
        Self::Fail,
    ];

    fn participle(self) -> &'static str {
        match self {
            Self::Schedule => "scheduled",
            Self::Start => "started",
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Finish => "finished",
            Self::Cancel => "cancelled",
            Self::Fail => "failed",
        }
    }
}

impl CampaignState {
    /// The state after `transition`, or why it is not allowed.
    pub fn after(self, transition: Transition) -> Result<Self, CampaignStateError> {
        use CampaignState::{Cancelled, Draft, Failed, Finished, Paused, Running, Scheduled};
        match (self, transition) {
            (Draft, Transition::Schedule) => Ok(Scheduled),
            (Draft | Scheduled, Transition::Start) | (Paused, Transition::Resume) => Ok(Running),
            (Running, Transition::Pause) => Ok(Paused),
            (Running, Transition::Finish) => Ok(Finished),
            (Draft | Scheduled | Running | Paused, Transition::Cancel) => Ok(Cancelled),
            (Scheduled | Running | Paused, Transition::Fail) => Ok(Failed),
            (Draft, Transition::Pause | Transition::Resume | Transition::Finish | Transition::Fail)
            | (
                Scheduled,
                Transition::Schedule | Transition::Pause | Transition::Resume | Transition::Finish,
            )
            | (Running, Transition::Schedule | Transition::Start | Transition::Resume)
            | (Paused, Transition::Schedule | Transition::Start | Transition::Pause | Transition::Finish)
            | (Finished | Cancelled | Failed, _) => Err(CampaignStateError {
                from: self,
                transition,
            }),
        }
    }

    /// Whether nothing can follow.
    pub fn is_final(self) -> bool {
        match self {
            Self::Draft | Self::Scheduled | Self::Running | Self::Paused => false,
            Self::Finished | Self::Cancelled | Self::Failed => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_campaign_stays_as_it_is() {
        for state in CampaignState::ALL.into_iter().filter(|state| state.is_final()) {
            for transition in Transition::ALL {
                assert_eq!(
                    state.after(transition),
                    Err(CampaignStateError {
                        from: state,
                        transition
                    })
                );
            }
        }
    }

    #[test]
    fn a_refusal_names_the_state() {
        let refusal = CampaignState::Draft
            .after(Transition::Pause)
            .expect_err("a draft cannot pause");

        assert_eq!(refusal.to_string(), "a campaign that is draft cannot be paused");
    }

    #[test]
    fn every_state_can_be_reached_from_draft() {
        let mut reached = vec![CampaignState::Draft];
        let mut next = 0;
        while let Some(&state) = reached.get(next) {
            for transition in Transition::ALL {
                if let Ok(after) = state.after(transition)
                    && !reached.contains(&after)
                {
                    reached.push(after);
                }
            }
            next += 1;
        }

        assert_eq!(reached.len(), CampaignState::ALL.len());
    }
}
