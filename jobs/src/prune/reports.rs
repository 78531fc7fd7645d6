//! Lets go of reports that were kept long enough, and of those that will never be whole.

use campaign::{AudienceId, ReportId};
use database::audience::{self as audiences, AudienceState};
use database::report::{self as reports, ReportState, Subject};
use database::{Change, Db};
use runtime::Backends;

use super::report::Report;
use crate::Error;

/// Reports in one page.
const PAGE: u32 = 100;

/// Bytes of parts deleted in one transaction.
const BYTES: u64 = 16 << 20;

/// Lets go of both kinds.
pub(super) async fn clear(backends: &Backends, report: &mut Report) -> Result<(), Error> {
    expire(backends, report).await?;
    give_up(backends, report).await
}

/// Each is marked first, so that nobody begins to download what is being deleted.
async fn expire(backends: &Backends, report: &mut Report) -> Result<(), Error> {
    let (files, now) = (&backends.files, backends.process.clock.now());
    let mut after = None;
    while !backends.process.stop.is_requested() {
        let page = reports::list_expired(files, now, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for expired in page {
            if expired.state == ReportState::Ready {
                let mut tx = files.begin().await?;
                // Stale if another pass was faster.
                let _: Change = reports::mark_expired(&mut tx, expired.id).await?;
                tx.commit().await.repeatable()?;
            }
            discard(files, expired.id, expired.size).await?;
            report.reports += 1;
        }
    }
    Ok(())
}

/// The import makes an audience's report; of an audience that was cancelled or is gone, nobody.
async fn give_up(backends: &Backends, report: &mut Report) -> Result<(), Error> {
    let files = &backends.files;
    let mut after = None;
    while !backends.process.stop.is_requested() {
        let page = reports::list_unfinished(files, Subject::Audience, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for unfinished in page {
            let audience = audiences::find(&backends.db, AudienceId(unfinished.subject_id)).await?;
            if audience.is_some_and(|audience| audience.state != AudienceState::Cancelled) {
                continue;
            }
            discard(files, unfinished.id, unfinished.size).await?;
            let mut tx = files.begin().await?;
            let _: Change = reports::delete(&mut tx, unfinished.id).await?;
            tx.commit().await.repeatable()?;
            report.reports += 1;
        }
    }
    Ok(())
}

/// Deletes a report's bytes, some at a time.
pub(crate) async fn discard(files: &Db, id: ReportId, size: u64) -> Result<(), Error> {
    let mut below = 0;
    while below < size {
        below = size.min(below + BYTES);
        let mut tx = files.begin().await?;
        reports::delete_below(&mut tx, id, below).await?;
        tx.commit().await.repeatable()?;
    }
    Ok(())
}
