//! Coupons and their stock.
//!
//! `reserved` counts what chunks have reserved less what they returned; it never exceeds the
//! stock. Only `stock_reservation` moves it, under the lock taken here.

use ::campaign::CouponId;
use chrono::{DateTime, Utc};

use crate::{Error, Executor, Row, Tx, sql};

/// A coupon as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coupon {
    /// A UUIDv7.
    pub id: CouponId,
    /// For people; at most 255 characters.
    pub name: String,
    /// How many there are; `None` for as many as are wanted.
    pub stock: Option<u64>,
    /// How many of them chunks hold.
    pub reserved: u64,
    /// From when on it may be granted.
    pub valid_from: Option<DateTime<Utc>>,
    /// Until when it may be granted.
    pub valid_until: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Coupon {
    /// What a chunk that wants `wanted` can have.
    pub(crate) fn available(&self, wanted: u32) -> u32 {
        match self.stock {
            None => wanted,
            Some(stock) => {
                let left = stock.saturating_sub(self.reserved);
                wanted.min(u32::try_from(left).unwrap_or(u32::MAX))
            }
        }
    }
}

/// Inserts a coupon of which nothing is reserved. [`Error::UniqueViolation`] if the id is taken.
pub async fn insert(
    tx: &mut Tx,
    id: CouponId,
    name: &str,
    stock: Option<u64>,
    valid: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sql(
        "INSERT INTO coupon (id, name, stock, reserved, valid_from, valid_until, created_at) \
         VALUES (?, ?, ?, 0, ?, ?, ?)",
    )
    .bind(id)
    .bind(name)
    .bind(stock)
    .bind(valid.0)
    .bind(valid.1)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// The coupon, if there is one with that id.
pub async fn find(on: impl Executor, id: CouponId) -> Result<Option<Coupon>, Error> {
    sql("SELECT id, name, stock, reserved, valid_from, valid_until, created_at FROM coupon WHERE id = ?")
        .bind(id)
        .find(on, read)
        .await
}

/// Coupons, newest first: those older than `before`, or the newest.
pub async fn list(on: impl Executor, before: Option<CouponId>, limit: u32) -> Result<Vec<Coupon>, Error> {
    // Primary key. No UUID is greater than the greatest.
    sql(
        "SELECT id, name, stock, reserved, valid_from, valid_until, created_at FROM coupon \
         WHERE id < ? ORDER BY id DESC LIMIT ?",
    )
    .bind(before.unwrap_or(CouponId(uuid::Uuid::max())))
    .bind(limit)
    .list(on, read)
    .await
}

/// The coupon, locked until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, id: CouponId) -> Result<Option<Coupon>, Error> {
    sql(
        "SELECT id, name, stock, reserved, valid_from, valid_until, created_at FROM coupon \
         WHERE id = ? FOR UPDATE",
    )
    .bind(id)
    .find(tx, read)
    .await
}

/// Sets what is reserved, under the lock of [`lock`].
pub(crate) async fn set_reserved(tx: &mut Tx, id: CouponId, reserved: u64) -> Result<(), Error> {
    sql("UPDATE coupon SET reserved = ? WHERE id = ?")
        .bind(reserved)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Coupon, Error> {
    Ok(Coupon {
        id: row.get("id")?,
        name: row.get("name")?,
        stock: row.get("stock")?,
        reserved: row.get("reserved")?,
        valid_from: row.get("valid_from")?,
        valid_until: row.get("valid_until")?,
        created_at: row.get("created_at")?,
    })
}
