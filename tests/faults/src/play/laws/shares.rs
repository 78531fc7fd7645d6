//! The shares of a quota that live are never more than the quota.

use anyhow::ensure;
use chrono::{DateTime, Utc};
use database::quota;
use journeys::world::Books;
use pacing::quota::usable;

/// Quotas of a case: the gateway's.
const QUOTAS: u32 = 10;

/// What is broken of them. Where SQL does not answer nothing is known.
pub(super) async fn check(books: &Books) -> anyhow::Result<()> {
    let every = DateTime::UNIX_EPOCH;
    let Ok(quotas) = quota::list(&books.db, None, QUOTAS, every).await else {
        return Ok(());
    };
    // After they were read: what had ended when another was written has ended now.
    let now = now();
    for quota in quotas {
        let live = quota.shares.iter().filter(|share| share.lives_until > now);
        let live = live.map(|share| share.per_minute).sum::<u64>();
        let usable = usable(quota.per_minute);
        ensure!(
            live <= usable,
            "shares of {live} a minute are live, of {usable} that may be"
        );
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the machine's, by which the processes go"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}
