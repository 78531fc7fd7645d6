//! Removes addresses that have ended by themselves. Nothing was sent to them any more.

use database::device;
use runtime::Backends;

use super::report::Report;
use crate::Error;

/// Addresses removed in one transaction.
const PAGE: u32 = 499;

/// Removes what has ended, oldest first.
pub(super) async fn remove(backends: &Backends, report: &mut Report) -> Result<(), Error> {
    while !backends.process.stop.is_requested() {
        let mut tx = backends.db.begin().await?;
        let removed = device::remove_expired(&mut tx, backends.process.clock.now(), PAGE).await?;
        tx.commit().await.repeatable()?;
        report.devices += removed;
        if removed < u64::from(PAGE) {
            break;
        }
    }
    Ok(())
}
