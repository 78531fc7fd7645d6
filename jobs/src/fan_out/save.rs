//! Writes down how far a stripe is, and counts what was expanded.

use database::Change;
use database::chunk_tally::{self, ChunkTally};
use database::fan_out_stripe::{self, Lease};
use runtime::Backends;

use super::stripe::Ending;
use crate::error::Error;

/// Writes the stripe's mark, and its new counts. A tally that a sender has replaced meanwhile is
/// newer and stays. Stale if the stripe was lost to another; the counts hold all the same.
pub(super) async fn save(
    backends: &Backends,
    lease: Lease,
    ending: Ending,
    low_water: u32,
    tallies: Vec<ChunkTally>,
) -> Result<Change, Error> {
    if !tallies.is_empty() {
        fault_points::reach!(
            ChunksExpanded,
            Err(database::Error::unreachable(fault_points::Injected).into())
        );
    }
    let until = backends.process.clock.now() + backends.process.config.fan_out.lease;
    let mut tx = backends.db.begin().await?;
    for tally in &tallies {
        let _: Change = chunk_tally::replace(&mut tx, tally).await?;
    }
    let change = match ending {
        Ending::Keep => fan_out_stripe::keep(&mut tx, &lease, low_water, until).await?,
        Ending::GiveBack => fan_out_stripe::give_back(&mut tx, &lease, low_water).await?,
        Ending::Finish => fan_out_stripe::finish(&mut tx, &lease).await?,
    };
    tx.commit().await.repeatable()?;
    if ending == Ending::Finish {
        fault_points::reach!(BetweenStripes);
    }
    Ok(change)
}
