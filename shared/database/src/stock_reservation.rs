//! What a chunk takes of a coupon's stock for its grants in one shard.
//!
//! Reserving comes before the grants, in a transaction of the main database alone; returning
//! comes after the shard's side is closed. Both can be done any number of times: the first
//! amount, and the first return, stand. A return without a reservation leaves one of nothing, so
//! that a reservation which was in doubt, or comes late, finds it and takes no stock.

use ::campaign::{CampaignId, CouponId};
use chrono::{DateTime, Utc};

use crate::{Error, Executor, Row, Tx, coupon, sql};

/// One reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockReservation {
    /// Whose chunk.
    pub campaign_id: CampaignId,
    /// Which chunk.
    pub chunk_no: u32,
    /// The shard that grants.
    pub shard: u32,
    /// What of.
    pub coupon_id: CouponId,
    /// How much was reserved.
    pub amount: u32,
    /// How much of it was returned; `None` until then.
    pub returned: Option<u32>,
}

/// For whom stock is reserved: one chunk's grants in one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Whose chunk.
    pub campaign_id: CampaignId,
    /// Which chunk.
    pub chunk_no: u32,
    /// The shard that grants.
    pub shard: u32,
}

/// The number of the main database as a shard. All grants are there.
const MAIN: u32 = 0;

impl Holder {
    /// A chunk whose grants are in the main database.
    pub fn in_main(campaign_id: CampaignId, chunk_no: u32) -> Self {
        Self {
            campaign_id,
            chunk_no,
            shard: MAIN,
        }
    }
}

/// Reserves `wanted` coupons, or what is left of the stock, and answers how many. A repeat
/// answers what was reserved the first time, and one after a return without a reservation 0. Open
/// `shard::chunk_grants` with it afterwards.
///
/// [`Error::Fault`] if there is no such coupon.
pub async fn reserve(
    tx: &mut Tx,
    holder: Holder,
    coupon_id: CouponId,
    wanted: u32,
    now: DateTime<Utc>,
) -> Result<u32, Error> {
    // The coupon's lock comes first and serialises every reservation of it, so that two copies
    // of one task cannot both find none.
    let Some(coupon) = coupon::lock(tx, coupon_id).await? else {
        return Err(Error::fault("a reservation of a coupon that is not there"));
    };
    if let Some(reservation) = find(&mut *tx, holder).await? {
        if fault_points::bug!(StockReservedAgain) {
            coupon::set_reserved(tx, coupon_id, coupon.reserved + u64::from(reservation.amount)).await?;
        }
        return Ok(reservation.amount);
    }
    let amount = coupon.available(wanted);
    insert(tx, holder, coupon_id, amount, None, now).await?;
    coupon::set_reserved(tx, coupon_id, coupon.reserved + u64::from(amount)).await?;
    Ok(amount)
}

/// Returns what the shard did not use of its reservation, or that there was none. A repeat does
/// nothing. Only after `shard::chunk_grants::close`, whose answer `used` is.
pub async fn return_unused(
    tx: &mut Tx,
    holder: Holder,
    coupon_id: CouponId,
    used: u32,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let Some(coupon) = coupon::lock(tx, coupon_id).await? else {
        return Err(Error::fault("a return to a coupon that is not there"));
    };
    let Some(reservation) = find(&mut *tx, holder).await? else {
        return insert(tx, holder, coupon_id, 0, Some(0), now).await;
    };
    if reservation.returned.is_some() {
        return Ok(());
    }
    let unused = reservation.amount.saturating_sub(used);
    mark_returned(tx, holder, unused).await?;
    if fault_points::bug!(StockReturnUncounted) {
        return Ok(());
    }
    coupon::set_reserved(tx, coupon_id, coupon.reserved.saturating_sub(unused.into())).await
}

/// The reservation, if there is one.
pub async fn find(on: impl Executor, holder: Holder) -> Result<Option<StockReservation>, Error> {
    sql(
        "SELECT campaign_id, chunk_no, shard, coupon_id, amount, returned FROM stock_reservation \
         WHERE campaign_id = ? AND chunk_no = ? AND shard = ?",
    )
    .bind(holder.campaign_id)
    .bind(holder.chunk_no)
    .bind(holder.shard)
    .find(on, read)
    .await
}

/// Numbers of the campaign's chunks, from `from` on, that are known to be closed and have returned
/// no stock to the main database, whether they reserved any or not.
pub async fn list_closed_unreturned(
    on: impl Executor,
    campaign: CampaignId,
    from: u32,
    limit: u32,
) -> Result<Vec<u32>, Error> {
    // Primary keys of both. An index could not find the reservations that are not there.
    sql(
        "SELECT tally.chunk_no AS no FROM chunk_tally AS tally LEFT JOIN stock_reservation AS reservation \
         ON reservation.campaign_id = tally.campaign_id AND reservation.chunk_no = tally.chunk_no \
         AND reservation.shard = ? WHERE tally.campaign_id = ? AND tally.chunk_no >= ? AND tally.closed \
         AND reservation.returned IS NULL ORDER BY tally.chunk_no LIMIT ?",
    )
    .bind(MAIN)
    .bind(campaign)
    .bind(from)
    .bind(limit)
    .list(on, |row| row.get("no"))
    .await
}

/// How many of the campaign's chunks have returned to the main database what they did not use.
pub async fn count_returned(on: impl Executor, campaign: CampaignId) -> Result<u64, Error> {
    // Primary key.
    sql("SELECT COUNT(*) AS chunks FROM stock_reservation \
         WHERE campaign_id = ? AND shard = ? AND returned IS NOT NULL")
    .bind(campaign)
    .bind(MAIN)
    .fetch_one(on)
    .await?
    .get("chunks")
}

/// A campaign's reservations that are not returned, by chunk and shard, from chunk `from` on.
/// Return a page's before asking for the next, since a chunk may have several shards.
pub async fn list_unreturned(
    on: impl Executor,
    campaign: CampaignId,
    from: u32,
    limit: u32,
) -> Result<Vec<StockReservation>, Error> {
    // Primary key.
    sql(
        "SELECT campaign_id, chunk_no, shard, coupon_id, amount, returned FROM stock_reservation \
         WHERE campaign_id = ? AND chunk_no >= ? AND returned IS NULL ORDER BY chunk_no, shard LIMIT ?",
    )
    .bind(campaign)
    .bind(from)
    .bind(limit)
    .list(on, read)
    .await
}

async fn insert(
    tx: &mut Tx,
    holder: Holder,
    coupon_id: CouponId,
    amount: u32,
    returned: Option<u32>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sql(
        "INSERT INTO stock_reservation (campaign_id, chunk_no, shard, coupon_id, amount, returned, reserved_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(holder.campaign_id)
    .bind(holder.chunk_no)
    .bind(holder.shard)
    .bind(coupon_id)
    .bind(amount)
    .bind(returned)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

async fn mark_returned(tx: &mut Tx, holder: Holder, returned: u32) -> Result<(), Error> {
    sql("UPDATE stock_reservation SET returned = ? WHERE campaign_id = ? AND chunk_no = ? AND shard = ?")
        .bind(returned)
        .bind(holder.campaign_id)
        .bind(holder.chunk_no)
        .bind(holder.shard)
        .execute(tx)
        .await?;
    Ok(())
}

fn read(row: &Row) -> Result<StockReservation, Error> {
    Ok(StockReservation {
        campaign_id: row.get("campaign_id")?,
        chunk_no: row.get("chunk_no")?,
        shard: row.get("shard")?,
        coupon_id: row.get("coupon_id")?,
        amount: row.get("amount")?,
        returned: row.get("returned")?,
    })
}
