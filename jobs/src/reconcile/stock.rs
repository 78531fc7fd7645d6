//! Coupon stock that a closed chunk did not use.
//!
//! The shard's side is closed first, for good, so that what it answers as used is final; then
//! the rest goes back in the main database. Both steps may be repeated. A chunk that reserved
//! nothing returns nothing, and that is written down as well: a reservation of it that is in doubt
//! finds it.

use database::campaign::Campaign;
use database::stock;
use database::stock_reservation::{self, Holder};
use runtime::Backends;

use super::{Report, Walked};
use crate::error::Error;

/// Chunks that are asked for at once.
const PAGE: u32 = 200;

/// Returns what the closed chunks of the campaign did not use.
pub(super) async fn return_unused(
    backends: &Backends,
    campaign: &Campaign,
    report: &mut Report,
) -> Result<Walked, Error> {
    let (db, clock) = (&backends.db, &backends.process.clock);
    let Some(coupon) = campaign.plan.coupon_id else {
        return Ok(Walked::All);
    };
    let mut from = 0;
    loop {
        let page = stock_reservation::list_closed_unreturned(db, campaign.id, from, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(Walked::All);
        };
        from = last + 1;
        for no in page {
            if backends.process.stop.is_requested() {
                return Ok(Walked::Some);
            }
            let holder = Holder::in_main(campaign.id, no);
            stock::return_unused(db, db, holder, coupon, clock.now()).await?;
            report.returned += 1;
        }
    }
}

/// Whether every chunk of the campaign has returned what it did not use.
pub(super) async fn is_returned(backends: &Backends, campaign: &Campaign) -> Result<bool, Error> {
    if campaign.plan.coupon_id.is_none() {
        return Ok(true);
    }
    let returned = stock_reservation::count_returned(&backends.db, campaign.id).await?;
    Ok(returned >= u64::from(campaign.chunk_count))
}
