//! Quotas: what may be sent in a minute, and the shares of it that processes hold.
//!
//! The rule itself is no matter of this module. It keeps one row a quota, which whoever asks
//! [locks](lock) first, so that all questions for one quota are answered one after the other; and
//! one row a share. A question whose outcome is unknown holds that lock until it is decided: the
//! same process's next one waits for it, and never overtakes it.

use ::campaign::CampaignId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Db, Error, Executor, Row, Tx, sql};

/// What is allowed of a quota while its gateway says that it gets too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    /// Of a thousand, until `held_until`.
    pub allowed: u32,
    /// When it was pressed last.
    pub pressed_at: DateTime<Utc>,
    /// From then on more and more is allowed.
    pub held_until: DateTime<Utc>,
}

/// A process's share. All figures are messages a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Who holds it: one life of a process.
    pub holder: Uuid,
    /// How much it is.
    pub per_minute: u64,
    /// What the holder could send of the fast lane.
    pub fast_demand: u64,
    /// What it could send of the bulk lane.
    pub bulk_demand: u64,
    /// Until when others take it to be live.
    pub lives_until: DateTime<Utc>,
}

/// A quota and its live shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its name.
    pub name: String,
    /// Messages a minute, as whoever asked last has it.
    pub per_minute: u64,
    /// What is allowed of that.
    pub brake: Brake,
    /// By holder.
    pub shares: Vec<Share>,
}

/// The name of a campaign's own quota.
pub fn name_of(campaign: CampaignId) -> String {
    format!("campaign/{campaign}")
}

/// The quota's brake, its row locked until the transaction ends. One that is not known begins with
/// `unpressed`. A name has 255 characters at most.
pub async fn lock(tx: &mut Tx, name: &str, per_minute: u64, unpressed: Brake) -> Result<Brake, Error> {
    sql(
        "INSERT INTO quota (name, per_minute, allowed, pressed_at, held_until) VALUES (?, ?, ?, ?, ?) \
         ON DUPLICATE KEY UPDATE per_minute = VALUES(per_minute)",
    )
    .bind(name)
    .bind(per_minute)
    .bind(unpressed.allowed)
    .bind(unpressed.pressed_at)
    .bind(unpressed.held_until)
    .execute(&mut *tx)
    .await?;
    let brake = sql("SELECT allowed, pressed_at, held_until FROM quota WHERE name = ? FOR UPDATE")
        .bind(name)
        .find(tx, read_brake)
        .await?;
    brake.ok_or_else(|| Error::fault("a row that was just inserted is not there"))
}

/// Sets the brake, under the [`lock`].
pub async fn set_brake(tx: &mut Tx, name: &str, brake: Brake) -> Result<(), Error> {
    sql("UPDATE quota SET allowed = ?, pressed_at = ?, held_until = ? WHERE name = ?")
        .bind(brake.allowed)
        .bind(brake.pressed_at)
        .bind(brake.held_until)
        .bind(name)
        .execute(tx)
        .await?;
    Ok(())
}

/// The quota's shares that live at `now`, by holder: one for each process at most.
pub async fn list_shares(on: impl Executor, name: &str, now: DateTime<Utc>) -> Result<Vec<Share>, Error> {
    // Primary key.
    sql(
        "SELECT holder, per_minute, fast_demand, bulk_demand, lives_until FROM quota_share \
         WHERE name = ? AND lives_until > ? ORDER BY holder",
    )
    .bind(name)
    .bind(now)
    .list(on, read_share)
    .await
}

/// Makes or replaces the holder's share, under the [`lock`].
pub async fn replace_share(tx: &mut Tx, name: &str, share: &Share) -> Result<(), Error> {
    sql(
        "INSERT INTO quota_share (name, holder, per_minute, fast_demand, bulk_demand, lives_until) \
         VALUES (?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE per_minute = VALUES(per_minute), \
         fast_demand = VALUES(fast_demand), bulk_demand = VALUES(bulk_demand), \
         lives_until = VALUES(lives_until)",
    )
    .bind(name)
    .bind(share.holder)
    .bind(share.per_minute)
    .bind(share.fast_demand)
    .bind(share.bulk_demand)
    .bind(share.lives_until)
    .execute(tx)
    .await?;
    Ok(())
}

/// Gives the holder's share back: it is nobody's at once. The holder must not use it any more.
pub async fn give_back(tx: &mut Tx, name: &str, holder: Uuid) -> Result<(), Error> {
    sql("DELETE FROM quota_share WHERE name = ? AND holder = ?")
        .bind(name)
        .bind(holder)
        .execute(tx)
        .await?;
    Ok(())
}

/// Deletes the quota's shares that do not live any more at `now`, under the [`lock`]: from then on
/// their holders, too, find that they have ended.
pub async fn delete_ended(tx: &mut Tx, name: &str, now: DateTime<Utc>) -> Result<(), Error> {
    // Primary key.
    sql("DELETE FROM quota_share WHERE name = ? AND lives_until <= ?")
        .bind(name)
        .bind(now)
        .execute(tx)
        .await?;
    Ok(())
}

/// Up to `limit` quotas by name, those after `after` or from the first, each with the shares that
/// live at `now`.
pub async fn list(on: &Db, after: Option<&str>, limit: u32, now: DateTime<Utc>) -> Result<Vec<Quota>, Error> {
    // Primary key.
    let mut quotas: Vec<Quota> = sql(
        "SELECT name, per_minute, allowed, pressed_at, held_until FROM quota WHERE name > ? ORDER BY name LIMIT ?",
    )
    .bind(after.unwrap_or_default())
    .bind(limit)
    .list(on, read_quota)
    .await?;
    for quota in &mut quotas {
        quota.shares = list_shares(on, &quota.name, now).await?;
    }
    Ok(quotas)
}

/// Forgets a quota that nobody sends under any more.
pub async fn delete(tx: &mut Tx, name: &str) -> Result<(), Error> {
    sql("DELETE FROM quota_share WHERE name = ?")
        .bind(name)
        .execute(&mut *tx)
        .await?;
    sql("DELETE FROM quota WHERE name = ?")
        .bind(name)
        .execute(tx)
        .await?;
    Ok(())
}

fn read_quota(row: &Row) -> Result<Quota, Error> {
    Ok(Quota {
        name: row.get("name")?,
        per_minute: row.get("per_minute")?,
        brake: read_brake(row)?,
        shares: Vec::new(),
    })
}

fn read_brake(row: &Row) -> Result<Brake, Error> {
    Ok(Brake {
        allowed: row.get("allowed")?,
        pressed_at: row.get("pressed_at")?,
        held_until: row.get("held_until")?,
    })
}

fn read_share(row: &Row) -> Result<Share, Error> {
    Ok(Share {
        holder: row.get("holder")?,
        per_minute: row.get("per_minute")?,
        fast_demand: row.get("fast_demand")?,
        bulk_demand: row.get("bulk_demand")?,
        lives_until: row.get("lives_until")?,
    })
}
