//! Devices: the addresses at which users can be reached.
//!
//! An address belongs to one user. Registering it again, for the same user or another, moves it
//! there and refreshes what stands beside it; its id stays. One that its gateway calls wrong is
//! quarantined, which registering it again lifts; one that its gateway calls gone is removed.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::word::words;
use crate::{Change, Error, Executor, Row, Tx, Value, insert_rows, sql};

/// The most addresses of a user. Whoever registers some looks for the crowded afterwards, in the
/// same transaction.
pub const MAX_PER_USER: u32 = 100;

words! {
    /// Which gateway an address belongs to, and which kind of address it is.
    DeviceKind {
        /// A registration token of Firebase Cloud Messaging.
        FcmToken = "fcm_token",
        /// A Firebase installation id.
        FcmFid = "fcm_fid",
        /// A device token of the Apple Push Notification service.
        Apns = "apns",
        /// A subscription's endpoint URL.
        WebPush = "web_push",
    }
}

/// What a user registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Whose it is from now on.
    pub user_id: String,
    /// Its gateway.
    pub kind: DeviceKind,
    /// At most 65,535 bytes.
    pub address: String,
    /// JSON: what the gateway needs besides.
    pub extra: Option<String>,
    /// When it ends by itself, if it does.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A device as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Stays with the address.
    pub id: Uuid,
    /// What was registered last.
    pub registration: Registration,
    /// When that was.
    pub registered_at: DateTime<Utc>,
    /// Since when its gateway calls it wrong.
    pub quarantined_at: Option<DateTime<Utc>>,
}

/// Registers addresses, thousands at a time if need be, each to its user. An address twice in
/// one call belongs to the later one.
pub async fn register(tx: &mut Tx, registrations: &[Registration], now: DateTime<Utc>) -> Result<(), Error> {
    let mut hashed: Vec<_> = registrations
        .iter()
        .map(|device| (hash(&device.address), device))
        .collect();
    // In the order of the index: two calls at once cannot wait for each other, and the writes
    // are near to each other. Stable, so that the later of two stays the later.
    hashed.sort_by_key(|(hash, device)| (*hash, device.kind.as_str()));
    let rows = hashed.into_iter().map(|(hash, device)| row(hash, device, now));
    insert_rows(
        tx,
        "INSERT INTO device (id, user_id, kind, address, address_hash, extra, registered_at, expires_at)",
        rows.collect(),
        "ON DUPLICATE KEY UPDATE user_id = VALUES(user_id), extra = VALUES(extra), \
         registered_at = VALUES(registered_at), expires_at = VALUES(expires_at), quarantined_at = NULL",
    )
    .await?;
    Ok(())
}

/// Makes `registrations`, all of the one user, the only addresses that the user has. What is
/// registered again keeps its id.
pub async fn replace(
    tx: &mut Tx,
    user_id: &str,
    registrations: &[Registration],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    register(&mut *tx, registrations, now).await?;
    let devices = list_by_users(&mut *tx, &[user_id]).await?;
    let others = devices.iter().filter(|device| {
        let Registration { kind, address, .. } = &device.registration;
        !registrations
            .iter()
            .any(|kept| kept.kind == *kind && kept.address == *address)
    });
    // Primary key.
    sql("DELETE FROM device WHERE id IN (?..)")
        .bind_list(others.map(|device| device.id))
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes one address of the user. Stale if it is not there, or is somebody else's.
pub async fn remove(tx: &mut Tx, user_id: &str, id: Uuid) -> Result<Change, Error> {
    // Primary key.
    sql("DELETE FROM device WHERE id = ? AND user_id = ?")
        .bind(id)
        .bind(user_id)
        .change(tx)
        .await
}

/// Removes every address of the user, and says how many there were.
pub async fn remove_user(tx: &mut Tx, user_id: &str) -> Result<u64, Error> {
    // Index device_by_user.
    sql("DELETE FROM device WHERE user_id = ?")
        .bind(user_id)
        .execute(tx)
        .await
}

/// Removes devices, 499 at most, that their gateway called gone at an attempt begun at `seen`.
/// One that was registered since stays.
pub async fn remove_gone(tx: &mut Tx, ids: &[Uuid], seen: DateTime<Utc>) -> Result<u64, Error> {
    // Primary key.
    sql("DELETE FROM device WHERE registered_at <= ? AND id IN (?..)")
        .bind(seen)
        .bind_list(ids.iter().copied())
        .execute(tx)
        .await
}

/// Quarantines devices, 499 at most, that their gateway called wrong at an attempt begun at
/// `seen`. One that was registered since stays as it is, and a repeat changes nothing.
pub async fn quarantine(tx: &mut Tx, ids: &[Uuid], seen: DateTime<Utc>) -> Result<u64, Error> {
    // Primary key.
    sql("UPDATE device SET quarantined_at = ? \
         WHERE registered_at <= ? AND quarantined_at IS NULL AND id IN (?..)")
    .bind(seen)
    .bind(seen)
    .bind_list(ids.iter().copied())
    .execute(tx)
    .await
}

/// Removes addresses, 499 at most, whosever they are, and says how many of them there were.
pub async fn expire(tx: &mut Tx, addresses: &[(DeviceKind, &str)]) -> Result<u64, Error> {
    let mut removed = 0;
    for kind in DeviceKind::ALL.iter().copied() {
        let of_kind = addresses.iter().filter(|(other, _)| *other == kind);
        let hashes = of_kind.map(|(_, address)| hash(address)).collect::<Vec<_>>();
        if hashes.is_empty() {
            continue;
        }
        // Index device_by_address.
        removed += sql("DELETE FROM device WHERE kind = ? AND address_hash IN (?..)")
            .bind(kind)
            .bind_list(hashes)
            .execute(&mut *tx)
            .await?;
    }
    Ok(removed)
}

/// Removes at most `limit` devices that have ended by themselves, and says how many.
pub async fn remove_expired(tx: &mut Tx, now: DateTime<Utc>, limit: u32) -> Result<u64, Error> {
    // Index device_by_expiry.
    let ids: Vec<Uuid> = sql("SELECT id FROM device WHERE expires_at <= ? ORDER BY expires_at LIMIT ?")
        .bind(now)
        .bind(limit)
        .list(&mut *tx, |row| row.get("id"))
        .await?;
    // Primary key. One that was registered again meanwhile stays.
    sql("DELETE FROM device WHERE expires_at <= ? AND id IN (?..)")
        .bind(now)
        .bind_list(ids)
        .execute(tx)
        .await
}

/// The device with that address, whosever it is.
pub async fn find(on: impl Executor, kind: DeviceKind, address: &str) -> Result<Option<Device>, Error> {
    // Index device_by_address.
    sql(
        "SELECT id, user_id, kind, address, extra, registered_at, expires_at, quarantined_at FROM device \
         WHERE address_hash = ? AND kind = ?",
    )
    .bind(hash(address))
    .bind(kind)
    .find(on, read)
    .await
}

/// One of `users`, a chunk's at most, who has more than [`MAX_PER_USER`] addresses.
pub async fn find_crowded(on: impl Executor, users: &[&str]) -> Result<Option<String>, Error> {
    // Index device_by_user.
    sql("SELECT user_id FROM device WHERE user_id IN (?..) GROUP BY user_id HAVING COUNT(*) > ? LIMIT 1")
        .bind_list(users.iter().copied())
        .bind(MAX_PER_USER)
        .find(on, |row| row.get("user_id"))
        .await
}

/// The devices of one user, in the order of their first registration; [`MAX_PER_USER`] at most.
pub async fn list_by_user(on: impl Executor, user_id: &str) -> Result<Vec<Device>, Error> {
    // Index device_by_user.
    sql(
        "SELECT id, user_id, kind, address, extra, registered_at, expires_at, quarantined_at FROM device \
         WHERE user_id = ? ORDER BY id LIMIT ?",
    )
    .bind(user_id)
    .bind(MAX_PER_USER)
    .list(on, read)
    .await
}

/// The devices of all of `users`, a chunk's at most, in no order.
pub async fn list_by_users(on: impl Executor, users: &[&str]) -> Result<Vec<Device>, Error> {
    // Index device_by_user.
    sql(
        "SELECT id, user_id, kind, address, extra, registered_at, expires_at, quarantined_at FROM device \
         WHERE user_id IN (?..)",
    )
    .bind_list(users.iter().copied())
    .list(on, read)
    .await
}

/// The devices of all of `users`, a chunk's at most, that can be sent to at `now`; in no order.
pub async fn list_reachable(
    on: impl Executor,
    users: &[&str],
    now: DateTime<Utc>,
) -> Result<Vec<Device>, Error> {
    // Index device_by_user.
    sql(
        "SELECT id, user_id, kind, address, extra, registered_at, expires_at, quarantined_at FROM device \
         WHERE quarantined_at IS NULL AND (expires_at IS NULL OR expires_at > ?) AND user_id IN (?..)",
    )
    .bind(now)
    .bind_list(users.iter().copied())
    .list(on, read)
    .await
}

/// How many devices there are.
pub async fn count(on: impl Executor) -> Result<u64, Error> {
    sql("SELECT COUNT(*) AS devices FROM device")
        .fetch_one(on)
        .await?
        .get("devices")
}

fn row(hash: [u8; 32], device: &Registration, now: DateTime<Utc>) -> [Value<'_>; 8] {
    [
        Uuid::now_v7().into(),
        (&device.user_id).into(),
        device.kind.into(),
        (&device.address).into(),
        hash.into(),
        device.extra.as_ref().into(),
        now.into(),
        device.expires_at.into(),
    ]
}

fn hash(address: &str) -> [u8; 32] {
    Sha256::digest(address).into()
}

fn read(row: &Row) -> Result<Device, Error> {
    Ok(Device {
        id: row.get("id")?,
        registration: Registration {
            user_id: row.get("user_id")?,
            kind: row.get("kind")?,
            address: row.get("address")?,
            extra: row.get("extra")?,
            expires_at: row.get("expires_at")?,
        },
        registered_at: row.get("registered_at")?,
        quarantined_at: row.get("quarantined_at")?,
    })
}
