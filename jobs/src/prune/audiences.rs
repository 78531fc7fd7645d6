//! Clears away uploads that nobody goes on with, and what killed processes left of audiences.
//!
//! An audience's chunks are in the main database and its parts in that of files: each is asked for
//! what it has, and the audience's state says whether that is needed. A state only goes forward, so
//! what is not needed when it is asked for never is again.

use campaign::AudienceId;
use chrono::TimeDelta;
use database::audience::{self as audiences, AudienceState};
use database::{Change, import_work, upload_part};
use runtime::Backends;
use tracing::info;

use super::report::Report;
use crate::Error;
use crate::import::{discard_chunks, discard_parts, discard_runs};

/// How long an upload may stand still.
const ABANDONED_AFTER: TimeDelta = TimeDelta::days(1);

/// Audiences in one page.
const PAGE: u32 = 100;

/// Gives up what is abandoned, and clears what has no use any more.
pub(super) async fn clear(backends: &Backends, report: &mut Report) -> Result<(), Error> {
    give_up_abandoned(backends).await?;
    clear_imports(backends).await?;
    clear_chunks(backends, report).await?;
    clear_parts(backends, report).await
}

/// What lies between the steps of imports that have none left.
async fn clear_imports(backends: &Backends) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = import_work::list(&backends.files, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        for audience in &page {
            if backends.process.stop.is_requested() {
                return Ok(());
            }
            let found = audiences::find(&backends.db, *audience).await?;
            if found.is_none_or(|audience| audience.phase.is_none()) {
                discard_runs(&backends.files, *audience).await?;
            }
        }
        after = Some(*last);
    }
}

/// From here on they are cancelled audiences with leftovers, like any other.
async fn give_up_abandoned(backends: &Backends) -> Result<(), Error> {
    let now = backends.process.clock.now();
    loop {
        let page = audiences::list_abandoned(&backends.db, now - ABANDONED_AFTER, PAGE).await?;
        if page.is_empty() {
            return Ok(());
        }
        let mut tx = backends.db.begin().await?;
        for audience in &page {
            if audiences::abandon_upload(&mut tx, audience.id, now).await? == Change::Applied {
                info!(audience.id = %audience.id, "an abandoned upload is cancelled");
            }
        }
        tx.commit().await.repeatable()?;
    }
}

async fn clear_chunks(backends: &Backends, report: &mut Report) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = audiences::list_with_chunks_left(&backends.db, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        for audience in &page {
            if backends.process.stop.is_requested() {
                return Ok(());
            }
            discard_chunks(&backends.db, audience.id).await?;
            report.audiences += 1;
        }
        after = Some(last.id);
    }
}

async fn clear_parts(backends: &Backends, report: &mut Report) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = upload_part::list_audiences(&backends.files, after, PAGE).await?;
        let Some(last) = page.last().copied() else {
            return Ok(());
        };
        for audience in page {
            if backends.process.stop.is_requested() {
                return Ok(());
            }
            if !needs_parts(backends, audience).await? {
                discard_parts(&backends.files, audience).await?;
                report.audiences += 1;
            }
        }
        after = Some(last);
    }
}

/// Parts without an audience came when it was given up: it is always there before they are.
async fn needs_parts(backends: &Backends, audience: AudienceId) -> Result<bool, Error> {
    let found = audiences::find(&backends.db, audience).await?;
    Ok(found.is_some_and(|audience| match audience.state {
        AudienceState::Uploading | AudienceState::Uploaded | AudienceState::Importing => true,
        // Its report is made from them.
        AudienceState::Ready => audience.phase.is_some(),
        AudienceState::Refused | AudienceState::Cancelled => false,
    }))
}
