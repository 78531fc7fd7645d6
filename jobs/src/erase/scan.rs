//! Leaves tombstones in audience chunks, for many users in one scan of all chunks.
//!
//! A chunk's number, size and digest stay, and so do the places of all others in it. A chunk is
//! changed under its lock, so that two scans at once cannot undo each other's tombstones.

use std::collections::HashSet;

use audience::{Corrupt, Unpacked};
use campaign::AudienceId;
use database::Db;
use database::audience::wait_for_imports;
use database::audience_chunk::{self, ChunkHeader};
use database::erasure::Erasure;
use runtime::Backends;

use super::report::Report;
use super::stage::{self, Stage};
use crate::Error;

/// Chunks between two notes of how far the scan is.
const PAGE: u32 = 256;

/// Pages in one pass: some eight million recipients.
const PAGES: u32 = 64;

/// Whether a scan came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scanned {
    All,
    Some,
}

/// Goes on with the scan that is under way, or begins one for all who wait; those for whom it
/// ended are at [`Stage::Traces`] then.
pub(super) async fn go_on(
    backends: &Backends,
    staged: &mut [(Erasure, Option<Stage>)],
    report: &mut Report,
) -> Result<(), Error> {
    let under_way = staged.iter().filter_map(|(_, stage)| match stage {
        Some(Stage::Chunks { after }) => Some(*after),
        Some(Stage::Traces | Stage::LateTraces { .. }) | None => None,
    });
    // Two processes may have left one scan at different places.
    let after = under_way.min();
    let is_taking_part = |stage: &Option<Stage>| match stage {
        Some(Stage::Chunks { .. }) => true,
        Some(Stage::Traces | Stage::LateTraces { .. }) => false,
        None => after.is_none(),
    };
    let scanned: Vec<_> = staged
        .iter()
        .filter(|(_, stage)| is_taking_part(stage))
        .map(|(erasure, _)| erasure.clone())
        .collect();
    if scanned.is_empty() {
        return Ok(());
    }
    if after.is_none() {
        wait_out_imports(&backends.db).await?;
    }
    match scan(backends, &scanned, after.flatten(), report).await? {
        Scanned::Some => report.is_bounded = true,
        Scanned::All => {
            stage::keep(&backends.db, &scanned, Stage::Traces).await?;
            for (_, stage) in staged.iter_mut().filter(|(_, stage)| is_taking_part(stage)) {
                *stage = Some(Stage::Traces);
            }
        }
    }
    Ok(())
}

/// An import that looked for erased users before these requests is waited for: its chunks are
/// there when the scan begins. A later one leaves tombstones by itself.
async fn wait_out_imports(db: &Db) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    wait_for_imports(&mut tx).await?;
    tx.rollback().await;
    Ok(())
}

/// Scans behind the chunk `after`, or from the first.
async fn scan(
    backends: &Backends,
    erasures: &[Erasure],
    mut after: Option<(AudienceId, u32)>,
    report: &mut Report,
) -> Result<Scanned, Error> {
    let db = &backends.db;
    let users = erasures.iter().map(|erasure| erasure.user_id.as_str()).collect();
    for _ in 0..PAGES {
        if backends.process.stop.is_requested() {
            return Ok(Scanned::Some);
        }
        let page = audience_chunk::list_all(db, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(Scanned::All);
        };
        for chunk in &page {
            report.tombstones += erase_in(db, chunk, &users).await?;
        }
        report.chunks += page.len() as u64;
        after = Some((last.audience_id, last.no));
        stage::keep(db, erasures, Stage::Chunks { after }).await?;
    }
    Ok(Scanned::Some)
}

/// Erases those of `users` that are in the chunk, and says how many.
async fn erase_in(db: &Db, chunk: &ChunkHeader, users: &HashSet<&str>) -> Result<u64, Error> {
    let (audience, no) = (chunk.audience_id, chunk.no);
    let corrupt = |error| Error::stored(format!("chunk {no} of audience {audience}"), error);
    let Some(found) = audience_chunk::find(db, audience, no).await? else {
        return Ok(0);
    };
    let present = present(&found.recipients, users).map_err(corrupt)?;
    if present.is_empty() {
        return Ok(0);
    }
    let mut tx = db.begin().await?;
    let Some(mut locked) = audience_chunk::lock(&mut tx, audience, no).await? else {
        tx.rollback().await;
        return Ok(0);
    };
    for user in &present {
        if let Some(erased) = audience::erase(&locked.recipients, user).map_err(corrupt)? {
            locked.recipients = erased;
        }
    }
    audience_chunk::replace_recipients(&mut tx, audience, no, &locked.recipients).await?;
    tx.commit().await.repeatable()?;
    Ok(present.len() as u64)
}

fn present<'a>(packed: &[u8], users: &HashSet<&'a str>) -> Result<Vec<&'a str>, Corrupt> {
    let chunk = Unpacked::open(packed)?;
    let recipients = chunk.iter().flatten();
    Ok(recipients
        .filter_map(|recipient| users.get(recipient.user_id).copied())
        .collect())
}
