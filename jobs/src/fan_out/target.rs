//! A campaign that is being expanded.

use campaign::CampaignId;
use database::campaign::Campaign;

use crate::error::Error;
use crate::plan::Plan;

/// What the expansion of every chunk of a campaign needs to know of it.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) campaign: CampaignId,
    pub(super) plan: Plan,
    pub(super) chunk_count: u32,
    /// Mutations of one chunk on average, the marker's included, rounded up.
    pub(super) mutations: u64,
}

impl Target {
    /// `None` for a campaign without an audience, or one that is not started.
    pub(super) fn of(campaign: &Campaign) -> Result<Option<Self>, Error> {
        let plan = Plan::of(campaign)?;
        let chunks = u64::from(campaign.chunk_count.max(1));
        Ok(plan.map(|plan| Self {
            campaign: campaign.id,
            plan,
            chunk_count: campaign.chunk_count,
            mutations: campaign.audience_size.div_ceil(chunks) + 1,
        }))
    }
}
