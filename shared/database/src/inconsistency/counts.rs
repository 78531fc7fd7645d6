//! How many inconsistencies there are: what nobody has repaired, and those of one campaign.

use ::campaign::CampaignId;
use chrono::{DateTime, Utc};

use super::InconsistencyState;
use crate::{Error, Executor, sql};

/// What is not repaired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Somebody is on it.
    pub open: u64,
    /// A person must look.
    pub dead: u64,
    /// When the oldest of both was noticed; `None` where there is none.
    pub oldest: Option<DateTime<Utc>>,
}

/// The inconsistencies of one campaign, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not known to be repaired.
    pub open: u64,
    /// Both stores agree again.
    pub repaired: u64,
    /// A person must look.
    pub dead: u64,
}

/// What is not repaired, of all campaigns.
pub async fn backlog(on: impl Executor) -> Result<Backlog, Error> {
    // Index inconsistency_by_state.
    let states: Vec<(InconsistencyState, u64, DateTime<Utc>)> = sql(
        "SELECT state, COUNT(*) AS inconsistencies, MIN(detected_at) AS oldest FROM inconsistency \
             WHERE state IN ('open', 'dead') GROUP BY state",
    )
    .list(on, |row| {
        Ok((row.get("state")?, row.get("inconsistencies")?, row.get("oldest")?))
    })
    .await?;
    let count = |wanted| {
        let of_state = states.iter().filter(|(state, _, _)| *state == wanted);
        of_state.map(|(_, count, _)| count).sum()
    };
    Ok(Backlog {
        open: count(InconsistencyState::Open),
        dead: count(InconsistencyState::Dead),
        oldest: states.iter().map(|(_, _, oldest)| *oldest).min(),
    })
}

/// How many are not repaired; dead ones are not.
pub async fn count_open(on: impl Executor) -> Result<u64, Error> {
    let Backlog { open, dead, .. } = backlog(on).await?;
    Ok(open + dead)
}

/// The inconsistencies of one campaign.
pub async fn count_of(on: impl Executor, campaign: CampaignId) -> Result<Counts, Error> {
    // Index inconsistency_by_campaign.
    let states: Vec<(InconsistencyState, u64)> = sql(
        "SELECT state, COUNT(*) AS inconsistencies FROM inconsistency WHERE campaign_id = ? GROUP BY state",
    )
    .bind(campaign)
    .list(on, |row| Ok((row.get("state")?, row.get("inconsistencies")?)))
    .await?;
    let mut counts = Counts::default();
    for (state, count) in states {
        match state {
            InconsistencyState::Open => counts.open = count,
            InconsistencyState::Repaired => counts.repaired = count,
            InconsistencyState::Dead => counts.dead = count,
        }
    }
    Ok(counts)
}
