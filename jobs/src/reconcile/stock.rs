//! Coupon stock that a closed chunk did not use.
//!
//! The shard's side is closed first, for good, so that what it answers as used is final; then
//! the rest goes back in the main database. Both steps may be repeated.

use campaign::CampaignId;
use database::stock;
use database::stock_reservation::{self, Holder, StockReservation};
use runtime::Backends;

use super::Report;
use crate::error::Error;

/// Reservations that are looked at together.
const PAGE: u32 = 200;

/// Returns what the closed chunks of the campaign did not use. Says how many reservations are
/// left, because their chunks are open.
pub(super) async fn return_unused(
    backends: &Backends,
    campaign: CampaignId,
    report: &mut Report,
) -> Result<u32, Error> {
    let (mut from, mut left) = (0, 0);
    loop {
        let page = stock_reservation::list_unreturned(&backends.db, campaign, from, PAGE).await?;
        let Some(last) = page.last() else { return Ok(left) };
        from = last.chunk_no + 1;
        let numbers = page
            .iter()
            .map(|reservation| reservation.chunk_no)
            .collect::<Vec<_>>();
        let chunks = backends.push_store.list_chunks(campaign, &numbers).await?;
        for reservation in &page {
            let chunk = chunks.iter().find(|chunk| chunk.no == reservation.chunk_no);
            if chunk.is_some_and(|chunk| chunk.record.state.is_closed()) {
                let StockReservation {
                    campaign_id,
                    chunk_no,
                    shard,
                    coupon_id,
                    ..
                } = *reservation;
                let holder = Holder {
                    campaign_id,
                    chunk_no,
                    shard,
                };
                stock::return_unused(&backends.db, &backends.db, holder, coupon_id).await?;
                report.returned += 1;
            } else {
                left += 1;
            }
        }
    }
}
