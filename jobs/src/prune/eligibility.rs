//! Whether an ended campaign may be pruned: nothing of it is open, in either store.
//!
//! Reconcile has found so before it lets a campaign be listed here. What is deleted cannot be
//! got back, so it is asked again, and of the stores themselves.

use database::campaign::Campaign;
use database::shard::intent;
use database::stock_reservation;
use runtime::Backends;
use tracing::warn;

use super::pages;
use crate::Error;

/// Whether a campaign may be pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Eligibility {
    Prunable,
    /// There is something that is still to be done.
    Open,
}

/// Asks both stores.
pub(super) async fn of(backends: &Backends, campaign: &Campaign) -> Result<Eligibility, Error> {
    let open = if intent::count_open(&backends.db, campaign.id).await? > 0 {
        Some("intent")
    } else if is_stock_out(backends, campaign).await? {
        Some("stock")
    } else if is_chunk_open(backends, campaign).await? {
        Some("chunk")
    } else {
        None
    };
    match open {
        None => Ok(Eligibility::Prunable),
        Some(what) => {
            warn!(campaign.id = %campaign.id, open = what, "an ended campaign cannot be pruned yet");
            Ok(Eligibility::Open)
        }
    }
}

async fn is_stock_out(backends: &Backends, campaign: &Campaign) -> Result<bool, Error> {
    let unreturned = stock_reservation::list_unreturned(&backends.db, campaign.id, 0, 1).await?;
    Ok(!unreturned.is_empty())
}

/// A closed chunk has no lease, so this sees live leases too.
async fn is_chunk_open(backends: &Backends, campaign: &Campaign) -> Result<bool, Error> {
    for numbers in pages(campaign.chunk_count) {
        let chunks = backends.push_store.list_chunks(campaign.id, &numbers).await?;
        if chunks.iter().any(|chunk| !chunk.record.state.is_closed()) {
            return Ok(true);
        }
    }
    Ok(false)
}
