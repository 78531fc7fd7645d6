//! How many coupons a chunk may grant in this shard, and has granted.
//!
//! Every transaction that grants locks the chunk's row first. The lock serialises it with an
//! earlier one whose commit is in doubt: what is read under it is true. `closed` is for good.

use ::campaign::{CampaignId, CouponId};

use crate::{Error, Executor, Insertion, Row, Tx, sql};

/// The row of one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkGrants {
    /// Of what.
    pub coupon_id: CouponId,
    /// How many may be granted in all.
    pub reserved: u32,
    /// How many are.
    pub used: u32,
    /// Whether none will be any more.
    pub closed: bool,
}

impl ChunkGrants {
    /// How many may still be granted.
    pub fn left(&self) -> u32 {
        if self.closed {
            0
        } else {
            self.reserved.saturating_sub(self.used)
        }
    }
}

/// Opens the chunk for `reserved` grants, which the main database has set aside. A repeat, and a
/// chunk that is closed, stay as they are.
pub async fn open(
    tx: &mut Tx,
    campaign: CampaignId,
    chunk_no: u32,
    coupon: CouponId,
    reserved: u32,
) -> Result<Insertion, Error> {
    sql(
        "INSERT INTO chunk_grants (campaign_id, chunk_no, coupon_id, reserved, used, closed) \
         VALUES (?, ?, ?, ?, 0, ?)",
    )
    .bind(campaign)
    .bind(chunk_no)
    .bind(coupon)
    .bind(reserved)
    .bind(false)
    .insert(tx)
    .await
}

/// The chunk's row, locked until the transaction ends. [`Error::Busy`] if another transaction
/// holds it for more than 2 s.
pub async fn lock(tx: &mut Tx, campaign: CampaignId, chunk_no: u32) -> Result<Option<ChunkGrants>, Error> {
    sql("SELECT coupon_id, reserved, used, closed FROM chunk_grants \
         WHERE campaign_id = ? AND chunk_no = ? FOR UPDATE")
    .bind(campaign)
    .bind(chunk_no)
    .find(tx, read)
    .await
}

/// The chunk's row as it was committed last.
pub async fn find(
    on: impl Executor,
    campaign: CampaignId,
    chunk_no: u32,
) -> Result<Option<ChunkGrants>, Error> {
    sql("SELECT coupon_id, reserved, used, closed FROM chunk_grants WHERE campaign_id = ? AND chunk_no = ?")
        .bind(campaign)
        .bind(chunk_no)
        .find(on, read)
        .await
}

/// Counts grants, in the transaction that inserts them and under its [`lock`].
pub async fn add_used(tx: &mut Tx, campaign: CampaignId, chunk_no: u32, grants: u32) -> Result<(), Error> {
    sql("UPDATE chunk_grants SET used = used + ? WHERE campaign_id = ? AND chunk_no = ?")
        .bind(grants)
        .bind(campaign)
        .bind(chunk_no)
        .execute(tx)
        .await?;
    Ok(())
}

/// Closes the chunk for good and answers how many it granted, which is what
/// `stock_reservation::return_unused` needs. A repeat answers the same.
///
/// A chunk that was never opened is closed too, so that a late [`open`] comes to nothing.
pub async fn close(tx: &mut Tx, campaign: CampaignId, chunk_no: u32, coupon: CouponId) -> Result<u32, Error> {
    let inserted = sql(
        "INSERT INTO chunk_grants (campaign_id, chunk_no, coupon_id, reserved, used, closed) \
         VALUES (?, ?, ?, 0, 0, ?) ON DUPLICATE KEY UPDATE closed = VALUES(closed)",
    )
    .bind(campaign)
    .bind(chunk_no)
    .bind(coupon)
    .bind(true)
    .execute(&mut *tx);
    inserted.await?;
    let grants = lock(tx, campaign, chunk_no).await?;
    grants
        .map(|grants| grants.used)
        .ok_or_else(|| Error::fault("a closed chunk without its row"))
}

fn read(row: &Row) -> Result<ChunkGrants, Error> {
    Ok(ChunkGrants {
        coupon_id: row.get("coupon_id")?,
        reserved: row.get("reserved")?,
        used: row.get("used")?,
        closed: row.get("closed")?,
    })
}
