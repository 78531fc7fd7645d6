//! What is shown of inconsistencies to whoever watches: how many, how old, how long they took.
//!
//! The gauges are read from SQL with every pass, so they are right after a restart and the same in
//! every process that reconciles.

use chrono::{DateTime, Utc};
use database::inconsistency;
use runtime::Backends;

use crate::error::Error;

/// Shows what is not repaired now.
pub(super) async fn backlog(backends: &Backends) -> Result<(), Error> {
    let backlog = inconsistency::backlog(&backends.db).await?;
    let now = backends.process.clock.now();
    let oldest = backlog.oldest.map_or(0.0, |oldest| seconds(oldest, now));
    metrics::gauge!("noroshi_inconsistencies_open").set(backlog.open as f64);
    metrics::gauge!("noroshi_inconsistencies_dead").set(backlog.dead as f64);
    metrics::gauge!("noroshi_inconsistency_oldest_seconds").set(oldest);
    Ok(())
}

/// Counts an inconsistency that was repaired `now`, and how long the stores had differed: from the
/// commit of SQL, at which its intent was made.
pub(super) fn repaired(committed_at: DateTime<Utc>, now: DateTime<Utc>) {
    metrics::counter!("noroshi_inconsistencies_repaired_total").increment(1);
    metrics::histogram!("noroshi_inconsistency_repair_seconds").record(seconds(committed_at, now));
}

/// Clocks of two processes may differ: never less than nothing.
fn seconds(from: DateTime<Utc>, until: DateTime<Utc>) -> f64 {
    (until - from).as_seconds_f64().max(0.0)
}
