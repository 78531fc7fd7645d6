//! Deletes what an audience no longer needs, in small transactions.
//!
//! The audience's state says first that it is not needed: its parts and runs once nothing is left
//! of its import, its chunks once it is refused or cancelled. So a process may be killed here, and
//! the pass that prunes goes on.

use campaign::AudienceId;
use database::import_work::{self, RunKind};
use database::{Db, audience_chunk, upload_part};

use crate::Error;

/// Parts of 1 MiB deleted in one transaction.
const PARTS: u32 = 16;

/// Chunks of some tens of kilobytes, 3.5 MiB at most, deleted in one transaction.
const CHUNKS: u32 = 64;

/// Deletes every part of the uploaded file, in the database of files.
pub(crate) async fn parts(files: &Db, audience: AudienceId) -> Result<(), Error> {
    while let Some(last) = upload_part::list(files, audience, 0, PARTS).await?.last() {
        let mut tx = files.begin().await?;
        upload_part::delete_below(&mut tx, audience, last.no + 1).await?;
        tx.commit().await.repeatable()?;
    }
    Ok(())
}

/// Deletes every chunk.
pub(crate) async fn chunks(db: &Db, audience: AudienceId) -> Result<(), Error> {
    while let Some(last) = audience_chunk::list(db, audience, 0, CHUNKS).await?.last() {
        let mut tx = db.begin().await?;
        audience_chunk::delete_below(&mut tx, audience, last.no + 1).await?;
        tx.commit().await.repeatable()?;
    }
    Ok(())
}

/// Deletes what lies between the steps of the import, and last what says that there was one.
pub(crate) async fn runs(files: &Db, audience: AudienceId) -> Result<(), Error> {
    let mut tx = files.begin().await?;
    import_work::close(&mut tx, audience).await?;
    tx.commit().await.repeatable()?;
    for kind in RunKind::ALL {
        loop {
            let mut tx = files.begin().await?;
            let deleted = import_work::delete_some(&mut tx, audience, *kind).await?;
            tx.commit().await.repeatable()?;
            if deleted == 0 {
                break;
            }
        }
    }
    let mut tx = files.begin().await?;
    import_work::delete(&mut tx, audience).await?;
    tx.commit().await.repeatable()?;
    Ok(())
}
