//! Reports as files: made in the background, kept for some days, the same however often they are
//! fetched.
//!
//! A report grows by parts, each in the transaction that keeps the place where its making goes
//! on, so that one that is taken over goes on behind the last part and never repeats one.

mod expiry;
mod lease;
mod part;

use ::campaign::ReportId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use expiry::{delete, list_expired, list_unfinished, mark_expired};
pub use lease::{Claim, claim, extend};
pub use part::{MAX_PART_BYTES, Part, append, delete_below, find};

use crate::word::words;
use crate::{Change, Error, Executor, Row, Tx, sql};

/// The columns of a [`Report`], for statements that select whole ones.
macro_rules! select_reports {
    ($rest:literal) => {
        concat!(
            "SELECT id, subject, subject_id, state, size, resume_from, created_at, ready_at, expires_at FROM report ",
            $rest
        )
    };
}
use select_reports;

words! {
    /// What a report tells about.
    Subject {
        /// The rows of an audience file.
        Audience = "audience",
        /// The recipients of a campaign.
        Campaign = "campaign",
    }

    /// Where a report is on its way.
    ReportState {
        /// Parts are being added.
        Making = "making",
        /// It never changes again.
        Ready = "ready",
        /// It was kept long enough; its parts are gone or going.
        Expired = "expired",
    }
}

/// A report without its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Of an audience, the audience's own.
    pub id: ReportId,
    /// What it tells about.
    pub subject: Subject,
    /// The audience or the campaign.
    pub subject_id: Uuid,
    /// Where it is on its way.
    pub state: ReportState,
    /// Bytes in its parts.
    pub size: u64,
    /// Where its making goes on: JSON of the maker's own.
    pub resume_from: Option<String>,
    /// When its making began.
    pub created_at: DateTime<Utc>,
    /// When it was whole.
    pub ready_at: Option<DateTime<Utc>>,
    /// From when on it is not given out any more.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Report {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            subject: row.get("subject")?,
            subject_id: row.get("subject_id")?,
            state: row.get("state")?,
            size: row.get("size")?,
            resume_from: row.get("resume_from")?,
            created_at: row.get("created_at")?,
            ready_at: row.get("ready_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

/// Begins a report; Stale if it was begun before.
pub async fn begin(
    tx: &mut Tx,
    id: ReportId,
    subject: Subject,
    subject_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Change, Error> {
    let inserted = sql(
        "INSERT INTO report (id, subject, subject_id, state, size, created_at) \
         VALUES (?, ?, ?, 'making', 0, ?)",
    )
    .bind(id)
    .bind(subject)
    .bind(subject_id)
    .bind(now)
    .execute(tx)
    .await;
    match inserted {
        Ok(_) => Ok(Change::Applied),
        Err(Error::UniqueViolation(_)) => Ok(Change::Stale),
        Err(other) => Err(other),
    }
}

/// The report, if there is one with that id.
pub async fn get(on: impl Executor, id: ReportId) -> Result<Option<Report>, Error> {
    sql(select_reports!("WHERE id = ?"))
        .bind(id)
        .find(on, Report::read)
        .await
}

/// Reports about an audience or a campaign, newest first.
pub async fn list_about(on: impl Executor, subject_id: Uuid, limit: u32) -> Result<Vec<Report>, Error> {
    // Index report_by_subject.
    sql(select_reports!("WHERE subject_id = ? ORDER BY id DESC LIMIT ?"))
        .bind(subject_id)
        .bind(limit)
        .list(on, Report::read)
        .await
}

/// Says that the report is whole. Stale if it is already, or is gone.
pub async fn mark_ready(
    tx: &mut Tx,
    id: ReportId,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<Change, Error> {
    sql(
        "UPDATE report SET state = 'ready', resume_from = NULL, lease_token = NULL, leased_until = NULL, \
         ready_at = ?, expires_at = ? WHERE id = ? AND state = 'making'",
    )
    .bind(now)
    .bind(expires_at)
    .bind(id)
    .change(tx)
    .await
}
