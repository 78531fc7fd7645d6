//! Forgets idempotency keys for which no repeat is expected any more, and old feedback.

use chrono::{DateTime, TimeDelta, Utc};
use database::{feedback, idempotency};
use runtime::Backends;

use super::report::Report;
use crate::Error;

/// How long an answer is kept for repeats of its request.
const KEPT: TimeDelta = TimeDelta::days(1);

/// Keys forgotten in one transaction.
const PAGE: u32 = 500;

/// Forgets what is too old, oldest first.
pub(super) async fn forget(backends: &Backends, report: &mut Report) -> Result<(), Error> {
    let before = backends.process.clock.now() - KEPT;
    while !backends.process.stop.is_requested() {
        let mut tx = backends.db.begin().await?;
        let forgotten = idempotency::prune(&mut tx, before, PAGE).await?;
        tx.commit().await.repeatable()?;
        report.keys += forgotten;
        if forgotten < u64::from(PAGE) {
            break;
        }
    }
    Ok(())
}

/// Deletes feedback that was noticed before `before`.
pub(super) async fn delete_feedback(backends: &Backends, before: DateTime<Utc>) -> Result<(), Error> {
    while !backends.process.stop.is_requested() {
        let mut tx = backends.db.begin().await?;
        let deleted = feedback::prune(&mut tx, before, PAGE).await?;
        tx.commit().await.repeatable()?;
        if deleted < u64::from(PAGE) {
            break;
        }
    }
    Ok(())
}
