//! Pages of inconsistencies: by state, and of one campaign.

use ::campaign::{CampaignId, InconsistencyId};
use uuid::Uuid;

use super::{Inconsistency, InconsistencyState, read, select_inconsistencies};
use crate::{Error, Executor, sql};

/// Which inconsistencies.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// In one of these states.
    pub states: &'a [InconsistencyState],
    /// Of that campaign; of all where there is none.
    pub campaign: Option<CampaignId>,
}

/// The inconsistencies of a filter, oldest first: those after `after`, or from the first.
pub async fn list(
    on: impl Executor,
    filter: Filter<'_>,
    after: Option<InconsistencyId>,
    limit: u32,
) -> Result<Vec<Inconsistency>, Error> {
    let statement = match filter.campaign {
        // Index inconsistency_by_campaign.
        Some(campaign) => sql(select_inconsistencies!(
            "WHERE campaign_id = ? AND state IN (?..) AND id > ? ORDER BY id LIMIT ?"
        ))
        .bind(campaign),
        // Index inconsistency_by_state.
        None => sql(select_inconsistencies!(
            "WHERE state IN (?..) AND id > ? ORDER BY id LIMIT ?"
        )),
    };
    statement
        .bind_list(filter.states.iter().copied())
        .bind(after.unwrap_or(InconsistencyId(Uuid::nil())))
        .bind(limit)
        .list(on, read)
        .await
}
