//! Stock for a chunk's grants, through both databases that it concerns.
//!
//! Two transactions, one after the other, each of which can be repeated: whoever dies in
//! between, or does not learn how a commit ended, calls again and gets the same answer.

use ::campaign::CouponId;
use chrono::{DateTime, Utc};

use crate::shard::chunk_grants;
use crate::stock_reservation::{self, Holder};
use crate::{Db, Error};

/// Reserves `wanted` coupons, or what is left of the stock, in the main database, opens the chunk
/// for as many grants in its shard, and answers how many. A repeat answers the same.
pub async fn reserve(
    main: &Db,
    shard: &Db,
    holder: Holder,
    coupon: CouponId,
    wanted: u32,
    now: DateTime<Utc>,
) -> Result<u32, Error> {
    let mut tx = main.begin().await?;
    let amount = stock_reservation::reserve(&mut tx, holder, coupon, wanted, now).await?;
    tx.commit().await.repeatable()?;

    let mut tx = shard.begin().await?;
    // A chunk that was open before keeps what it was opened with: the same amount.
    let _ = chunk_grants::open(&mut tx, holder.campaign_id, holder.chunk_no, coupon, amount).await?;
    tx.commit().await.repeatable()?;
    Ok(amount)
}

/// Closes the chunk for good in its shard, then returns to the main database what it did not
/// use. A repeat does nothing, and so does any later reservation.
pub async fn return_unused(
    main: &Db,
    shard: &Db,
    holder: Holder,
    coupon: CouponId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let mut tx = shard.begin().await?;
    let used = chunk_grants::close(&mut tx, holder.campaign_id, holder.chunk_no, coupon).await?;
    tx.commit().await.repeatable()?;

    let mut tx = main.begin().await?;
    stock_reservation::return_unused(&mut tx, holder, coupon, used, now).await?;
    tx.commit().await.repeatable()
}
