//! Which inconsistencies a request is about: by state, and of one campaign.

use campaign::CampaignId;
use database::inconsistency::{Filter, InconsistencyState};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;

/// States that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum StateFilter {
    /// Those that are not repaired: open and dead ones.
    Unrepaired,
    /// Those that reconcile is on.
    Open,
    /// Those that are repaired.
    Repaired,
    /// Those that were given up; a person must look.
    Dead,
    /// Every one there ever was.
    All,
}

impl StateFilter {
    /// What the word asks for, `otherwise` where there is none.
    pub(super) fn parse(word: Option<&str>, otherwise: Self) -> Result<Self, Error> {
        match word {
            None => Ok(otherwise),
            Some("unrepaired") => Ok(Self::Unrepaired),
            Some("open") => Ok(Self::Open),
            Some("repaired") => Ok(Self::Repaired),
            Some("dead") => Ok(Self::Dead),
            Some("all") => Ok(Self::All),
            Some(_) => Err(Error::invalid(
                "state",
                "must be unrepaired, open, repaired, dead or all",
            )),
        }
    }

    /// The same for SQL.
    pub(super) fn of(self, campaign: Option<Uuid>) -> Filter<'static> {
        use InconsistencyState::{Dead, Open, Repaired};
        let states: &[InconsistencyState] = match self {
            Self::Unrepaired => &[Open, Dead],
            Self::Open => &[Open],
            Self::Repaired => &[Repaired],
            Self::Dead => &[Dead],
            Self::All => &[Open, Repaired, Dead],
        };
        Filter {
            states,
            campaign: campaign.map(CampaignId),
        }
    }
}
