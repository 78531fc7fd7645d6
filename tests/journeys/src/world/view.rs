//! What the API shows, as far as journeys look at it.

use std::collections::BTreeMap;

use campaign::{AudienceId, CampaignId};
use serde::Deserialize;

/// A campaign.
#[derive(Clone, Debug, Deserialize)]
pub struct CampaignView {
    /// Its id.
    pub id: CampaignId,
}

/// An audience.
#[derive(Clone, Debug, Deserialize)]
pub struct AudienceView {
    /// Its id.
    pub id: AudienceId,
    /// Where it is on its way.
    pub state: String,
}

/// How far a campaign is.
#[derive(Clone, Debug, Deserialize)]
pub struct Progress {
    /// Where it stands.
    pub state: String,
    /// Recipients that have a push.
    pub expanded: u64,
    /// Pushes by state.
    pub tally: BTreeMap<String, u64>,
    /// Final pushes by reason.
    pub reasons: Vec<ReasonCount>,
    /// Coupons granted.
    pub grants: u64,
    /// Grants of which Datastore is not known to have followed.
    pub open_intents: u64,
    /// Those of them that are known as inconsistencies, and those that were repaired.
    pub inconsistencies: Inconsistencies,
    /// How much may begin now.
    pub guard: Leave,
    /// What keeps it from being finished.
    pub missing: Vec<String>,
}

/// How much the load guard lets begin.
#[derive(Clone, Debug, Deserialize)]
pub struct Leave {
    /// In a word.
    pub state: String,
    /// What slows it down.
    pub cause: Option<String>,
}

/// Inconsistencies by state.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Inconsistencies {
    /// Reconcile is on them.
    pub open: u64,
    /// Both stores agree again.
    pub repaired: u64,
    /// They were given up.
    pub dead: u64,
}

/// How many pushes ended for one reason.
#[derive(Clone, Debug, Deserialize)]
pub struct ReasonCount {
    /// Why.
    pub reason: String,
    /// How many.
    pub pushes: u64,
}

impl Progress {
    /// Pushes in that state.
    pub fn count(&self, state: &str) -> u64 {
        self.tally.get(state).copied().unwrap_or_default()
    }

    /// Final pushes by reason, in the order of the words.
    pub fn outcomes(&self) -> Vec<(&str, u64)> {
        let mut outcomes: Vec<_> = self
            .reasons
            .iter()
            .map(|count| (count.reason.as_str(), count.pushes))
            .collect();
        outcomes.sort_unstable();
        outcomes
    }
}
