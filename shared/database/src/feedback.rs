//! Feedback: addresses that a gateway called gone or wrong, for the company's own systems.
//!
//! An outbox. A row is written in the transaction that removes the address, so that neither is
//! there without the other; it is pulled by whoever asks, and posted to a webhook where there is
//! one. Whoever posts takes rows for a while by moving their time; a result counts only for the
//! attempt that it is of.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::device::DeviceKind;
use crate::word::words;
use crate::{Change, Error, Executor, Row, Tx, insert_rows, sql};

words! {
    /// What became of an address.
    Fate {
        /// It does not exist any more.
        Gone = "gone",
        /// It is not one of this sender's, or none at all.
        Wrong = "wrong",
    }
    /// Whether a webhook has it.
    FeedbackState {
        /// Not yet.
        Open = "open",
        /// It took it.
        Sent = "sent",
        /// It did not, however often it was tried.
        Dead = "dead",
    }
}

/// An address and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// A UUIDv7: the order is that of their making, but for the difference of clocks.
    pub id: Uuid,
    /// What became of it.
    pub fate: Fate,
    /// Whose it was.
    pub user_id: String,
    /// Of which gateway.
    pub kind: DeviceKind,
    /// The address.
    pub address: String,
    /// When it was noticed.
    pub noticed_at: DateTime<Utc>,
    /// Whether a webhook has it.
    pub state: FeedbackState,
    /// How often that was tried.
    pub attempts: u32,
}

/// Writes down what became of devices, 499 at most, that a gateway named at an attempt begun at
/// `seen`. Before they are removed, in the same transaction; one that is not there any more, or
/// was registered since, is left out, and so is a wrong one that is quarantined already. They are
/// locked from here on.
pub async fn insert(
    tx: &mut Tx,
    devices: &[Uuid],
    fate: Fate,
    seen: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    if devices.is_empty() {
        return Ok(0);
    }
    let statement = match fate {
        Fate::Gone => {
            "SELECT user_id, kind, address FROM device WHERE registered_at <= ? AND id IN (?..) FOR UPDATE"
        }
        // Another attempt, of another campaign perhaps, has reported it.
        Fate::Wrong => {
            "SELECT user_id, kind, address FROM device WHERE quarantined_at IS NULL \
             AND registered_at <= ? AND id IN (?..) FOR UPDATE"
        }
    };
    // Primary key of device.
    let found: Vec<(String, DeviceKind, String)> = sql(statement)
        .bind(seen)
        .bind_list(devices.iter().copied())
        .list(&mut *tx, |row| {
            Ok((row.get("user_id")?, row.get("kind")?, row.get("address")?))
        })
        .await?;
    let rows = found.iter().map(|(user_id, kind, address)| {
        [
            Uuid::now_v7().into(),
            fate.into(),
            user_id.into(),
            (*kind).into(),
            address.into(),
            now.into(),
            FeedbackState::Open.into(),
            0_u32.into(),
            now.into(),
        ]
    });
    insert_rows(
        tx,
        "INSERT INTO feedback (id, fate, user_id, kind, address, noticed_at, state, attempts, due_at)",
        rows.collect(),
        "",
    )
    .await
}

/// Feedback noticed before `before`, by id: that after `after`, or from the first.
pub async fn list(
    on: impl Executor,
    after: Option<Uuid>,
    before: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Feedback>, Error> {
    // Primary key.
    sql(
        "SELECT id, fate, user_id, kind, address, noticed_at, state, attempts FROM feedback \
         WHERE id > ? AND noticed_at < ? ORDER BY id LIMIT ?",
    )
    .bind(after.unwrap_or(Uuid::nil()))
    .bind(before)
    .bind(limit)
    .list(on, read)
    .await
}

/// Takes up to `limit` of the open ones that are due, until `until`; each is an attempt.
pub async fn lease(
    tx: &mut Tx,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Feedback>, Error> {
    // Index feedback_by_state.
    let mut due: Vec<Feedback> = sql(
        "SELECT id, fate, user_id, kind, address, noticed_at, state, attempts FROM feedback \
         WHERE state = 'open' AND due_at <= ? ORDER BY due_at LIMIT ? FOR UPDATE SKIP LOCKED",
    )
    .bind(now)
    .bind(limit)
    .list(&mut *tx, read)
    .await?;
    // Primary key.
    sql("UPDATE feedback SET attempts = attempts + 1, due_at = ? WHERE id IN (?..)")
        .bind(until)
        .bind_list(due.iter().map(|feedback| feedback.id))
        .execute(tx)
        .await?;
    for feedback in &mut due {
        feedback.attempts += 1;
    }
    Ok(due)
}

/// Ends an attempt: it is sent or dead, or open and due at `due_at`. Stale if another attempt was
/// begun since.
pub async fn settle(
    tx: &mut Tx,
    feedback: &Feedback,
    state: FeedbackState,
    due_at: DateTime<Utc>,
) -> Result<Change, Error> {
    // Primary key.
    sql("UPDATE feedback SET state = ?, due_at = ? WHERE id = ? AND attempts = ? AND state = 'open'")
        .bind(state)
        .bind(due_at)
        .bind(feedback.id)
        .bind(feedback.attempts)
        .change(tx)
        .await
}

/// Forgets what is known of a user, who is erased.
pub async fn delete_user(tx: &mut Tx, user_id: &str) -> Result<u64, Error> {
    // Index feedback_by_user.
    sql("DELETE FROM feedback WHERE user_id = ?")
        .bind(user_id)
        .execute(tx)
        .await
}

/// Deletes up to `limit` of those that were noticed before `before`, the oldest first. Says how
/// many.
pub async fn prune(tx: &mut Tx, before: DateTime<Utc>, limit: u32) -> Result<u64, Error> {
    // Primary key, twice.
    let old: Vec<Uuid> = sql("SELECT id FROM feedback WHERE noticed_at < ? ORDER BY id LIMIT ?")
        .bind(before)
        .bind(limit)
        .list(&mut *tx, |row| row.get("id"))
        .await?;
    sql("DELETE FROM feedback WHERE id IN (?..)")
        .bind_list(old)
        .execute(tx)
        .await
}

fn read(row: &Row) -> Result<Feedback, Error> {
    Ok(Feedback {
        id: row.get("id")?,
        fate: row.get("fate")?,
        user_id: row.get("user_id")?,
        kind: row.get("kind")?,
        address: row.get("address")?,
        noticed_at: row.get("noticed_at")?,
        state: row.get("state")?,
        attempts: row.get("attempts")?,
    })
}
