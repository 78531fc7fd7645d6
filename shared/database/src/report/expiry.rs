//! The end of a report: it is marked as expired before its parts are deleted, and its row stays, so
//! that whoever asks for it later is told what became of it.

use ::campaign::ReportId;
use chrono::{DateTime, Utc};

use super::{Report, Subject, select_reports};
use crate::{Change, Error, Executor, Tx, sql};

/// Reports that were kept long enough, or are expired and have parts left, by id: those after
/// `after`, or from the first.
pub async fn list_expired(
    on: impl Executor,
    now: DateTime<Utc>,
    after: Option<ReportId>,
    limit: u32,
) -> Result<Vec<Report>, Error> {
    // Primary key, and for each expired report that of its parts.
    sql(select_reports!(
        "WHERE id > ? AND ((state = 'ready' AND expires_at <= ?) OR (state = 'expired' \
         AND EXISTS (SELECT 1 FROM report_part WHERE report_id = report.id))) ORDER BY id LIMIT ?"
    ))
    .bind(after.unwrap_or(ReportId(uuid::Uuid::nil())))
    .bind(now)
    .bind(limit)
    .list(on, Report::read)
    .await
}

/// Reports of that kind that are not whole, by id: those after `after`, or from the first.
pub async fn list_unfinished(
    on: impl Executor,
    subject: Subject,
    after: Option<ReportId>,
    limit: u32,
) -> Result<Vec<Report>, Error> {
    // Index report_by_state.
    sql(select_reports!(
        "WHERE state = 'making' AND subject = ? AND id > ? ORDER BY id LIMIT ?"
    ))
    .bind(subject)
    .bind(after.unwrap_or(ReportId(uuid::Uuid::nil())))
    .bind(limit)
    .list(on, Report::read)
    .await
}

/// Says that a report is not given out any more. Stale if it was said before, it is being made or
/// it is gone.
pub async fn mark_expired(tx: &mut Tx, id: ReportId) -> Result<Change, Error> {
    sql("UPDATE report SET state = 'expired' WHERE id = ? AND state = 'ready'")
        .bind(id)
        .change(tx)
        .await
}

/// Deletes a report that never became whole, once its parts are deleted.
pub async fn delete(tx: &mut Tx, id: ReportId) -> Result<Change, Error> {
    sql("DELETE FROM report WHERE id = ? AND state = 'making'")
        .bind(id)
        .change(tx)
        .await
}
