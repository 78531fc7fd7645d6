//! The hold on one audience: its lease, its progress, and when the next batch may begin.
//!
//! Every transaction on the audience begins by extending the lease under its token, which locks the
//! audience's row: an import that lost its lease, or whose audience was paused or cancelled, finds
//! that out before it writes anything.

use std::collections::BTreeMap;
use std::time::Duration;

use audience::{Refusal, Summary};
use campaign::AudienceId;
use database::audience::{self as audiences, Claim, Phase, Progress};
use database::{Change, Tx};
use runtime::Backends;
use runtime::guard::{Gate, Turn};
use serde_json::json;
use tokio::sync::mpsc::Receiver;
use tracing::info;

use super::halt::{Ended, Halt};
use crate::Error;

/// After so many batches an import gives way, if others wait: a few seconds of work.
const BATCHES_OF_A_TURN: u32 = 16;

/// One audience in our hands.
pub(super) struct Hold<'a> {
    pub(super) backends: &'a Backends,
    pub(super) claim: Claim,
    pub(super) phase: Phase,
    /// As it is shown and stored.
    pub(super) progress: Progress,
    /// Where the load guard lets batches begin, one after the other.
    gate: Gate,
    batches: u32,
}

impl<'a> Hold<'a> {
    pub(super) fn new(backends: &'a Backends, claim: Claim) -> Self {
        Self {
            backends,
            gate: Gate::new(backends.guard.clone(), backends.process.clock.clone(), 1),
            // Whatever is claimed has something left to do.
            phase: claim.audience.phase.unwrap_or(Phase::Sort),
            progress: claim.audience.progress.clone(),
            claim,
            batches: 0,
        }
    }

    pub(super) fn id(&self) -> AudienceId {
        self.claim.audience.id
    }

    /// What comes next through the channel, and the turn to store it; `None` when nothing more
    /// comes. Gives signs of life while it waits, and gives way when it is somebody else's turn.
    pub(super) async fn next<T>(&mut self, messages: &mut Receiver<T>) -> Result<Option<(T, Turn)>, Halt> {
        self.batches += 1;
        if self.batches > BATCHES_OF_A_TURN {
            self.batches = 0;
            self.give_way().await?;
        }
        let Some(message) = self.until(messages.recv()).await? else {
            return Ok(None);
        };
        let turn = self.until(self.gate.enter()).await?;
        fault_points::reach!(
            BatchRead,
            Err(database::Error::unreachable(fault_points::Injected).into())
        );
        Ok(Some((message, turn)))
    }

    /// Waits, and keeps the lease meanwhile.
    async fn until<T>(&self, event: impl Future<Output = T>) -> Result<T, Halt> {
        let process = &self.backends.process;
        let mut event = std::pin::pin!(event);
        loop {
            tokio::select! {
                biased;
                () = process.stop.requested() => {
                    self.let_go().await?;
                    return Err(Halt::Ended(Ended::Stopped));
                }
                event = &mut event => return Ok(event),
                () = process.clock.sleep(self.lease() / 3) => {}
            }
            self.keep().await?;
        }
    }

    /// A transaction that holds the audience's row, writes the progress down and extends the lease.
    pub(super) async fn begin(&self) -> Result<Tx, Halt> {
        self.begin_for(self.lease()).await
    }

    async fn begin_for(&self, lease: Duration) -> Result<Tx, Halt> {
        let mut tx = self.backends.db.begin().await?;
        let now = self.backends.process.clock.now();
        let token = self.claim.token;
        let kept = audiences::advance(
            &mut tx,
            self.id(),
            token,
            self.phase,
            &self.progress,
            now,
            now + lease,
        );
        match kept.await? {
            Change::Applied => Ok(tx),
            Change::Stale => {
                tx.rollback().await;
                info!(audience.id = %self.id(), "an import was given up: its lease is lost");
                Err(Halt::Ended(Ended::Lost))
            }
        }
    }

    /// Writes the progress down and extends the lease.
    pub(super) async fn keep(&self) -> Result<(), Halt> {
        Ok(self.begin().await?.commit().await.repeatable()?)
    }

    /// Goes over to the next phase, of which nothing is done yet.
    pub(super) async fn enter(&mut self, phase: Phase, end: u64) -> Result<(), Halt> {
        self.phase = phase;
        self.progress.phase_done = 0;
        self.progress.phase_end = end;
        self.keep().await
    }

    /// Counts rows that are read, or found to be duplicates since.
    pub(super) fn count(&mut self, summary: &Summary, size: u64) {
        let rejected: serde_json::Map<_, _> = summary
            .reasons()
            .map(|(reason, rows)| (reason.to_owned(), rows.into()))
            .collect();
        self.progress.records = summary.rows();
        self.progress.rejected = json!(rejected).to_string();
        self.progress.size = size;
    }

    /// Refuses the audience; what there is of it is for whoever ends the turn to clear.
    pub(super) async fn refuse(&mut self, refusal: &Refusal) -> Halt {
        self.progress.size = 0;
        self.progress.chunk_count = 0;
        if let Refusal::NoRecipients { rejected } = refusal {
            self.progress.records = *rejected;
        }
        match self.mark_refused(refusal).await {
            Ok(()) => Halt::Ended(Ended::Refused),
            Err(halt) => halt,
        }
    }

    async fn mark_refused(&self, refusal: &Refusal) -> Result<(), Halt> {
        let mut tx = self.begin().await?;
        let now = self.backends.process.clock.now();
        // Fresh from `begin`, the lease cannot be lost inside the transaction.
        let _: Change =
            audiences::mark_refused(&mut tx, self.id(), self.claim.token, &refusal.to_string(), now).await?;
        tx.commit().await.repeatable()?;
        info!(audience.id = %self.id(), refusal = refusal.as_str(), "an audience is refused");
        Ok(())
    }

    /// Rows of the file that were rejected.
    pub(super) fn rejected_rows(&self) -> Result<u64, Error> {
        let reasons: BTreeMap<String, u64> = serde_json::from_str(&self.progress.rejected)
            .map_err(|error| Error::stored(format!("the rejected rows of audience {}", self.id()), error))?;
        Ok(reasons.values().sum())
    }

    /// Ends the lease where somebody waits for one.
    async fn give_way(&self) -> Result<(), Halt> {
        let now = self.backends.process.clock.now();
        if audiences::is_import_waiting(&self.backends.db, self.id(), now).await? {
            self.let_go().await?;
            return Err(Halt::Ended(Ended::GaveWay));
        }
        Ok(())
    }

    /// Ends the lease, so that nobody waits for it.
    async fn let_go(&self) -> Result<(), Halt> {
        let tx = self.begin_for(Duration::ZERO).await?;
        Ok(tx.commit().await.repeatable()?)
    }

    fn lease(&self) -> Duration {
        self.backends.process.config.import.lease
    }
}

/// A step was stale beside the files: somebody else has done it.
pub(super) fn overtaken(audience: AudienceId) -> Halt {
    info!(audience.id = %audience, "an import was given up: somebody else has done its step");
    Halt::Ended(Ended::Lost)
}
