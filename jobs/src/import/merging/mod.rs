//! The second phase: partition by partition, duplicates are found and the others become chunks.
//!
//! What a partition leaves to the next, and its duplicates, are stored beside the file first, and
//! may be stored again; then its chunks, in one transaction with the number of the partition that
//! follows. With the last of them the audience is ready.

mod feed;
mod work;

use audience::{AudienceDigest, Chunk, Merge, Merged, Refusal, Role, Summary};
use campaign::FileRole;
use database::audience::{self as audiences, Phase};
use database::audience_chunk::{self, AudienceChunk, ChunkHeader};
use database::import_work::{self, Run, RunKind};
use database::{Change, Tx};
use futures::future::try_join;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::begun::Begun;
use super::halt::Halt;
use super::hold::{Hold, overtaken};
use super::sorting::Sorted;
use super::{erased, silent};
use crate::Error;

/// Chunks whose digests are read at once.
const PAGE: u32 = 1_000;

/// How far merging is. Kept with the chunks as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The partition that comes next.
    partition: u32,
    /// Rows of those before.
    rows: u64,
    /// How many of them are duplicates.
    duplicates: u64,
    /// Recipients in the chunks, and those that are carried.
    recipients: u64,
}

/// Merges the rest of the partitions, and makes the audience ready.
pub(super) async fn run(hold: &mut Hold<'_>, begun: &Begun) -> Result<(), Halt> {
    let work = import_work::find(&hold.backends.files, hold.id()).await?;
    let sorted = match work.as_ref().map(Sorted::of).transpose()?.flatten() {
        Some(sorted) if sorted.is_whole(begun) => sorted,
        Some(_) | None => return Err(overtaken(hold.id())),
    };
    let place = match &hold.progress.resume_from {
        None => Place::default(),
        Some(stored) => serde_json::from_str(stored)
            .map_err(|error| Error::stored(format!("the progress of audience {}", hold.id()), error))?,
    };
    let (files, audience) = (hold.backends.files.clone(), hold.id());
    let (pieces_in, pieces) = mpsc::channel(1);
    let (merged_in, merged) = mpsc::channel(1);
    let names = sorted.variables.clone();
    let merge = match begun.requires() {
        true => Merge::new(begun.chunks, &names).of_required(),
        false => Merge::new(begun.chunks, &names),
    };
    let of_file = match begun.file {
        FileRole::Recipients => Role::Rows,
        FileRole::Excluded => Role::Removed,
    };
    let tracker = hold.backends.process.tasks.tracker();
    let working = tracker.spawn_blocking(move || work::merge(merge, pieces, &merged_in));
    let partitions = place.partition..begun.partitions;
    let feeding = async { Ok(feed::feed(&files, audience, partitions, of_file, pieces_in).await?) };
    let digest = digest_of_stored(hold).await?;
    let mut storing = Storing {
        hold,
        partitions: begun.partitions,
        rows: sorted.rows,
        place,
        digest,
    };
    match try_join(feeding, storing.run(merged)).await? {
        ((), true) => Ok(()),
        ((), false) => Err(silent(working).await),
    }
}

/// Over the chunks that are stored.
async fn digest_of_stored(hold: &Hold<'_>) -> Result<AudienceDigest, Halt> {
    let mut digest = AudienceDigest::default();
    let mut no = 0;
    while no < hold.progress.chunk_count {
        let page = audience_chunk::list(&hold.backends.db, hold.id(), no, PAGE).await?;
        let Some(last) = page.last() else {
            let what = format!("chunk {no} of audience {}", hold.id());
            return Err(Error::stored(what, "it is not there").into());
        };
        no = last.no + 1;
        for chunk in page {
            digest.push(audience::Digest(chunk.digest));
        }
    }
    Ok(digest)
}

struct Storing<'a, 'b> {
    hold: &'a mut Hold<'b>,
    partitions: u32,
    /// Of the whole file, duplicates among the accepted.
    rows: Summary,
    place: Place,
    digest: AudienceDigest,
}

impl Storing<'_, '_> {
    /// Stores what is merged, to the end; says whether there was one.
    async fn run(&mut self, mut merged: mpsc::Receiver<work::Answer>) -> Result<bool, Halt> {
        while let Some((merged, turn)) = self.hold.next(&mut merged).await? {
            let merged = merged
                .map_err(|error| Error::stored(format!("a run of audience {}", self.hold.id()), error))?;
            let merged = self.store_beside(merged).await?;
            let is_last = self.place.partition + 1 == self.partitions;
            self.store(merged).await?;
            drop(turn);
            if is_last {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What goes beside the file; gives the rest.
    async fn store_beside(&self, mut merged: Merged) -> Result<Merged, Halt> {
        let partition = self.place.partition;
        let (carried, duplicates) = (
            std::mem::take(&mut merged.carried),
            std::mem::take(&mut merged.duplicates),
        );
        let carried = (0..).zip(carried).map(|(no, bytes)| Run {
            kind: RunKind::Carried,
            place: partition + 1,
            no,
            bytes,
        });
        let duplicates = duplicates.into_iter().map(|run| Run {
            kind: RunKind::Duplicates,
            place: run.stretch,
            no: partition,
            bytes: run.bytes,
        });
        let runs: Vec<_> = carried.chain(duplicates).collect();
        let mut tx = self.hold.backends.files.begin().await?;
        let added = import_work::add_merged(&mut tx, self.hold.id(), partition, &runs).await?;
        if added == Change::Stale {
            tx.rollback().await;
            return Err(overtaken(self.hold.id()));
        }
        tx.commit().await.repeatable()?;
        Ok(merged)
    }

    /// The chunks, with how far merging is.
    async fn store(&mut self, merged: Merged) -> Result<(), Halt> {
        let first = self.hold.progress.chunk_count;
        self.count(&merged);
        if self.place.partition == self.partitions && self.place.recipients == 0 {
            return Err(self.hold.refuse(&Refusal::NobodyLeft).await);
        }
        let chunks = self.rows_of(first, merged.chunks);
        let mut tx = self.hold.begin().await?;
        if fault_points::bug!(CursorApart) {
            tx.commit().await.repeatable()?;
            tx = self.hold.backends.db.begin().await?;
        }
        insert(&mut tx, chunks).await?;
        if self.place.partition == self.partitions {
            self.freeze(&mut tx).await?;
        }
        tx.commit().await.repeatable()?;
        fault_points::reach!(
            BatchCommitAnswer,
            Err(database::Error::unreachable(fault_points::Injected).into())
        );
        fault_points::reach!(BatchStored);
        Ok(())
    }

    fn count(&mut self, merged: &Merged) {
        let place = &mut self.place;
        place.partition += 1;
        place.rows += merged.rows;
        place.duplicates += merged.duplicate_rows;
        place.recipients += merged.recipients;
        for chunk in &merged.chunks {
            self.digest.push(chunk.packed.digest);
        }
        let rows = self.rows.with_duplicates(place.duplicates);
        self.hold.count(&rows, place.recipients);
        let progress = &mut self.hold.progress;
        progress.chunk_count += merged.chunks.len() as u32;
        progress.phase_done = place.partition.into();
        progress.resume_from = Some(serde_json::json!(place).to_string());
    }

    /// Nothing was lost between the steps, or the audience does not become ready.
    async fn freeze(&mut self, tx: &mut Tx) -> Result<(), Halt> {
        fault_points::reach!(
            AudienceWhole,
            Err(database::Error::unreachable(fault_points::Injected).into())
        );
        let hold = &mut *self.hold;
        if self.place.rows != self.rows.accepted() {
            let what = format!("the sorted rows of audience {}", hold.id());
            let found = format!("{} of {} are there", self.place.rows, self.rows.accepted());
            return Err(Error::stored(what, found).into());
        }
        let digest = std::mem::take(&mut self.digest).finish().0;
        let now = hold.backends.process.clock.now();
        match audiences::mark_ready(tx, hold.id(), hold.claim.token, &digest, now).await? {
            Change::Applied => {}
            Change::Stale => return Err(overtaken(hold.id())),
        }
        hold.phase = Phase::Report;
        hold.progress.resume_from = None;
        hold.progress.phase_done = 0;
        hold.progress.phase_end = hold.claim.audience.uploaded_bytes;
        Ok(())
    }

    fn rows_of(&self, first: u32, chunks: Vec<Chunk>) -> Vec<AudienceChunk> {
        (first..)
            .zip(chunks)
            .map(|(no, chunk)| AudienceChunk {
                header: ChunkHeader {
                    audience_id: self.hold.id(),
                    no,
                    size: chunk.packed.size,
                    time_zone: chunk.time_zone.map_or("", |zone| zone.name()).to_owned(),
                    digest: chunk.packed.digest.0,
                },
                recipients: chunk.packed.bytes,
            })
            .collect()
    }
}

async fn insert(tx: &mut Tx, mut chunks: Vec<AudienceChunk>) -> Result<(), Error> {
    if erased::is_anybody(tx).await? {
        for chunk in &mut chunks {
            chunk.recipients = erased::without(tx, &chunk.recipients).await?;
        }
    }
    Ok(audience_chunk::insert_all(tx, &chunks).await?)
}
