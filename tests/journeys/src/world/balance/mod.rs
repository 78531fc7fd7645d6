//! The books: what SQL, Datastore and the gateway's ledger say about one campaign, and whether
//! they say the same.
//!
//! [`Facts`] are read from the stores themselves, past the API and its totals. Every rule is a
//! function of the facts that names what is wrong; so the rules themselves are tested by facts
//! that were doctored.

mod deliveries;
mod facts;
mod grants;
mod pushes;

use std::path::PathBuf;
use std::time::Duration;

use campaign::{CampaignId, CampaignState};
use database::Db;
use push_store::PushStore;

pub use facts::Facts;

use super::until::until_ok;

/// How long the books of a campaign that ended early may take to balance: its chunks are closed
/// by reconcile.
const CLOSED_WITHIN: Duration = Duration::from_secs(30);

/// Where the books are.
#[derive(Clone, Debug)]
pub struct Books {
    /// SQL.
    pub db: Db,
    /// Datastore.
    pub push_store: PushStore,
    /// The sink's ledger.
    pub ledger: PathBuf,
}

/// How many messages more than one for each address the gateway may have accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubles {
    /// None: nothing was cut off between hand-over and settling.
    None,
    /// That many, all with the same collapse id, so that the user sees one.
    AtMost(usize),
}

impl Doubles {
    /// So many.
    fn allowed(self) -> usize {
        match self {
            Self::None => 0,
            Self::AtMost(allowed) => allowed,
        }
    }
}

impl Books {
    /// Goes over the books of a campaign that has ended.
    ///
    /// # Panics
    /// With everything that is wrong.
    pub async fn settle(&self, campaign: CampaignId, doubles: Doubles) -> Facts {
        let look = async || {
            let facts = Facts::read(self, campaign).await;
            match complaints(&facts, doubles) {
                complaints if complaints.is_empty() => Ok(facts),
                complaints => Err((facts.campaign.state, complaints.join("\n"))),
            }
        };
        match look().await {
            Ok(facts) => facts,
            Err((CampaignState::Finished, complaints)) => panic!("{campaign}:\n{complaints}"),
            Err(_) => {
                let look = async || look().await.map_err(|(_, complaints)| complaints);
                until_ok(CLOSED_WITHIN, "the books balance", look).await
            }
        }
    }
}

/// Everything that is wrong with the books of a campaign that has ended, in words.
pub fn complaints(facts: &Facts, doubles: Doubles) -> Vec<String> {
    let mut complaints = pushes::complaints(facts);
    complaints.extend(grants::complaints(facts));
    complaints.extend(deliveries::complaints(facts, doubles));
    complaints
}
