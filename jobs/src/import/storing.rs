//! Stores the batches of one audience, each in one transaction with the progress that counts it.
//!
//! The transaction begins by extending the lease under its token, which locks the audience's
//! row: an import that lost its lease, or whose audience was cancelled, finds that out before
//! it writes anything.

use std::time::Duration;

use audience::{AudienceDigest, Chunk, ReadError, Refusal};
use campaign::AudienceId;
use database::audience::{self as audiences, Claim, Progress};
use database::audience_chunk::{self, AudienceChunk, ChunkHeader};
use database::{Change, Tx};
use runtime::Backends;
use runtime::guard::{Gate, Turn};
use tokio::sync::mpsc::Receiver;
use tracing::info;

use super::erased;
use super::reading::{Batch, Read};
use crate::Error;

/// How long an import that fell silent keeps others from going on in its place.
pub(super) const LEASE: Duration = Duration::from_secs(10);

/// How often an import that is held gives a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);

/// How the import of one audience ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The audience is ready.
    Ready(Progress),
    /// Its file is refused.
    Refused,
    /// Somebody else has it now, or nobody wants it any more.
    Lost,
    /// The process is to stop; somebody else goes on.
    Stopped,
}

/// The import of one audience, under its claim.
pub(super) struct Storing<'a> {
    backends: &'a Backends,
    claim: Claim,
    /// Where the load guard lets batches begin, one after the other.
    gate: Gate,
    /// What is stored, by this import or the one that it takes over from.
    stored: Progress,
    digest: AudienceDigest,
}

impl<'a> Storing<'a> {
    pub(super) fn new(backends: &'a Backends, claim: Claim) -> Self {
        Self {
            backends,
            gate: Gate::new(backends.guard.clone(), backends.process.clock.clone(), 1),
            stored: claim.audience.progress.clone(),
            claim,
            digest: AudienceDigest::default(),
        }
    }

    /// Stores what is read, to the end.
    pub(super) async fn run(mut self, mut batches: Receiver<Read>) -> Result<Option<Ended>, Error> {
        while let Some(read) = batches.recv().await {
            let turn = match self.turn().await? {
                Ok(turn) => turn,
                Err(ended) => return Ok(Some(ended)),
            };
            let ended = match read {
                Read::More(batch) => self.store_some(batch).await?,
                Read::End(batch) => Some(self.store_last(batch).await?),
                Read::Failed(ReadError::Refused(refusal)) => Some(self.refuse(&refusal).await?),
                Read::Failed(ReadError::Source(error)) => Some(self.unreadable(error).await?),
            };
            drop(turn);
            if ended.is_some() {
                return Ok(ended);
            }
        }
        Ok(None)
    }

    /// Waits until the load guard lets a batch begin, and keeps the lease meanwhile; or says how
    /// the import ended.
    async fn turn(&self) -> Result<Result<Turn, Ended>, Error> {
        let process = &self.backends.process;
        loop {
            tokio::select! {
                biased;
                turn = self.gate.enter() => return Ok(Ok(turn)),
                () = process.stop.requested() => {
                    self.let_go().await?;
                    return Ok(Err(Ended::Stopped));
                }
                () = process.clock.sleep(SIGN_OF_LIFE) => {}
            }
            match self.begin(LEASE).await? {
                Some(tx) => tx.commit().await.repeatable()?,
                None => return Ok(Err(Ended::Lost)),
            }
        }
    }

    async fn store_some(&mut self, batch: Batch) -> Result<Option<Ended>, Error> {
        let Some(tx) = self.begin_with(&batch).await? else {
            return Ok(Some(Ended::Lost));
        };
        tx.commit().await.repeatable()?;
        fault_points::reach!(
            BatchCommitAnswer,
            Err(database::Error::unreachable(fault_points::Injected).into())
        );
        fault_points::reach!(BatchStored);
        if self.backends.process.stop.is_requested() {
            self.let_go().await?;
            return Ok(Some(Ended::Stopped));
        }
        Ok(None)
    }

    async fn store_last(&mut self, batch: Batch) -> Result<Ended, Error> {
        let Some(mut tx) = self.begin_with(&batch).await? else {
            return Ok(Ended::Lost);
        };
        fault_points::reach!(
            AudienceWhole,
            Err(database::Error::unreachable(fault_points::Injected).into())
        );
        let digest = std::mem::take(&mut self.digest).finish().0;
        let now = self.backends.process.clock.now();
        let frozen = audiences::mark_ready(&mut tx, self.id(), self.claim.token, &digest, now).await?;
        if frozen == Change::Stale {
            tx.rollback().await;
            return Ok(Ended::Lost);
        }
        tx.commit().await.repeatable()?;
        Ok(Ended::Ready(self.stored.clone()))
    }

    /// A transaction in which the batch is stored; `None` if the lease is lost.
    async fn begin_with(&mut self, batch: &Batch) -> Result<Option<Tx>, Error> {
        fault_points::reach!(
            BatchRead,
            Err(database::Error::unreachable(fault_points::Injected).into())
        );
        let stored_chunks = self.stored.chunk_count;
        let first_new = batch.chunks.partition_point(|chunk| chunk.no < stored_chunks);
        let (known, new) = batch.chunks.split_at(first_new);
        self.check_known(known).await?;
        for chunk in &batch.chunks {
            self.digest.push(chunk.packed.digest);
        }
        if is_beyond(&batch.progress, &self.stored) {
            self.stored = batch.progress.clone();
        }
        let Some(mut tx) = self.begin(LEASE).await? else {
            return Ok(None);
        };
        if fault_points::bug!(CursorApart) {
            tx.commit().await.repeatable()?;
            tx = self.backends.db.begin().await?;
        }
        let is_anybody_erased = erased::is_anybody(&mut tx).await?;
        for chunk in new {
            let recipients = if is_anybody_erased {
                erased::without(&mut tx, &chunk.packed.bytes).await?
            } else {
                chunk.packed.bytes.clone()
            };
            audience_chunk::insert(&mut tx, &self.row(chunk, recipients)).await?;
        }
        Ok(Some(tx))
    }

    /// A transaction that holds the audience's row and extends the lease; `None` if it is lost.
    async fn begin(&self, lease: Duration) -> Result<Option<Tx>, Error> {
        let mut tx = self.backends.db.begin().await?;
        let now = self.backends.process.clock.now();
        let token = self.claim.token;
        match audiences::advance(&mut tx, self.id(), token, &self.stored, now, now + lease).await? {
            Change::Applied => Ok(Some(tx)),
            Change::Stale => {
                tx.rollback().await;
                info!(audience.id = %self.id(), "an import was given up: its lease is lost");
                Ok(None)
            }
        }
    }

    /// Chunks that an earlier import stored must be the ones that this one makes.
    async fn check_known(&self, known: &[Chunk]) -> Result<(), Error> {
        let Some(first) = known.first() else { return Ok(()) };
        let limit = u32::try_from(known.len()).unwrap_or(u32::MAX);
        let stored = audience_chunk::list(&self.backends.db, self.id(), first.no, limit).await?;
        let stored = stored.iter().map(|chunk| chunk.digest);
        if stored.eq(known.iter().map(|chunk| chunk.packed.digest.0)) {
            return Ok(());
        }
        Err(Error::stored(
            format!("a chunk of audience {} from number {} on", self.id(), first.no),
            "it is not what the file gives",
        ))
    }

    async fn refuse(&mut self, refusal: &Refusal) -> Result<Ended, Error> {
        self.stored = Progress {
            size: 0,
            chunk_count: 0,
            ..std::mem::take(&mut self.stored)
        };
        let Some(mut tx) = self.begin(LEASE).await? else {
            return Ok(Ended::Lost);
        };
        let now = self.backends.process.clock.now();
        // Fresh from `begin`, the lease cannot be lost inside the transaction.
        let _: Change =
            audiences::mark_refused(&mut tx, self.id(), self.claim.token, &refusal.to_string(), now).await?;
        tx.commit().await.repeatable()?;
        info!(audience.id = %self.id(), refusal = refusal.as_str(), "an audience file is refused");
        Ok(Ended::Refused)
    }

    /// A part is missing: whoever took the lease over is done and has deleted it, or it is lost.
    async fn unreadable(&self, error: std::io::Error) -> Result<Ended, Error> {
        match self.begin(LEASE).await? {
            None => Ok(Ended::Lost),
            Some(tx) => {
                tx.rollback().await;
                Err(Error::stored(
                    format!("the uploaded file of audience {}", self.id()),
                    error,
                ))
            }
        }
    }

    /// Ends the lease, so that nobody waits for it.
    async fn let_go(&self) -> Result<(), Error> {
        if let Some(tx) = self.begin(Duration::ZERO).await? {
            tx.commit().await.repeatable()?;
        }
        Ok(())
    }

    fn id(&self) -> AudienceId {
        self.claim.audience.id
    }

    fn row(&self, chunk: &Chunk, recipients: Vec<u8>) -> AudienceChunk {
        AudienceChunk {
            header: ChunkHeader {
                audience_id: self.id(),
                no: chunk.no,
                size: chunk.packed.size,
                time_zone: chunk.time_zone.map_or("", |zone| zone.name()).to_owned(),
                digest: chunk.packed.digest.0,
            },
            recipients,
        }
    }
}

/// Whether `read` is further than `stored`: the progress that is shown never goes back.
fn is_beyond(read: &Progress, stored: &Progress) -> bool {
    (read.records, read.chunk_count, read.read_bytes)
        > (stored.records, stored.chunk_count, stored.read_bytes)
}
