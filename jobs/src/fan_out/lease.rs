//! Leases a stripe, and finds what of it is not expanded.
//!
//! Of a stripe that nobody held before, nothing is. Of one that was taken over or given back, one
//! Lookup of the markers above its mark tells: so what a restarted fan-out asks for is bounded by
//! the stripes that were in hand, however large the campaign.

use std::sync::Arc;

use campaign::CampaignId;
use database::campaign as campaigns;
use database::fan_out_stripe::{self, History};
use runtime::Backends;

use super::stripe::Stripe;
use super::target::Target;
use crate::error::Error;

/// What a lease brings.
pub(super) type Leased = Option<(Arc<Target>, Stripe)>;

/// Leases a stripe of the campaign, of which `target` may be known; `None` if there is none.
pub(super) async fn lease(
    backends: &Backends,
    campaign: CampaignId,
    target: Option<Arc<Target>>,
) -> Result<Leased, Error> {
    let target = match target {
        Some(target) => target,
        None => match find_target(backends, campaign).await? {
            Some(target) => Arc::new(target),
            None => return Ok(None),
        },
    };
    let clock = &backends.process.clock;
    let (leased_at, now) = (clock.monotonic(), clock.now());
    let until = now + backends.process.config.fan_out.lease;
    let mut tx = backends.db.begin().await?;
    let leased = fan_out_stripe::lease(&mut tx, campaign, target.chunk_count, now, until).await?;
    tx.commit().await.repeatable()?;
    let Some(lease) = leased else {
        return Ok(None);
    };
    fault_points::reach!(StripeLeased);
    let chunks = lease.chunks(target.chunk_count);
    let end = chunks.end;
    let chunks = chunks.collect::<Vec<_>>();
    let missing = match lease.history {
        History::New => chunks,
        History::TakenOver => backends.push_store.list_unexpanded(campaign, &chunks).await?,
    };
    Ok(Some((target, Stripe::new(lease, end, missing, leased_at))))
}

async fn find_target(backends: &Backends, campaign: CampaignId) -> Result<Option<Target>, Error> {
    match campaigns::find(&backends.db, campaign).await? {
        Some(found) => Target::of(&found),
        None => Ok(None),
    }
}
