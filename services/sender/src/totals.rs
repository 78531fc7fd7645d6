//! What SQL shows of a chunk, brought up to date after an attempt.
//!
//! Nothing depends on it: what is lost here, reconcile finds and does. So a failure is logged
//! and the task ends well.

use campaign::{IntentId, Places};
use chrono::{DateTime, Utc};
use database::chunk_tally::{self, ChunkTally};
use database::shard::intent;
use database::stock_reservation::Holder;
use database::{Error, device, stock};
use push_store::Chunk;
use tracing::warn;
use uuid::Uuid;

use crate::attempt::Attempt;
use crate::grants::SHARD;

/// What an attempt leaves to be recorded.
#[derive(Debug)]
pub(crate) struct Totals {
    since: DateTime<Utc>,
    intents: Vec<IntentId>,
    /// Devices that their gateway called gone.
    pub(crate) gone: Vec<Uuid>,
}

impl Totals {
    /// Nothing yet, of an attempt that began at `since`.
    pub(crate) fn since(since: DateTime<Utc>) -> Self {
        Self {
            since,
            intents: Vec::new(),
            gone: Vec::new(),
        }
    }

    /// The intent's Datastore side is done. One that granted nobody was never written.
    pub(crate) fn close(&mut self, intent: IntentId, granted: Places) {
        if !granted.is_empty() {
            self.intents.push(intent);
        }
    }

    /// Records what is left, and returns the stock that a finished chunk did not use.
    pub(crate) async fn record(self, attempt: &Attempt<'_>, chunk: &Chunk) {
        if let Err(error) = self.try_record(attempt, chunk).await {
            warn!(
                campaign.id = %chunk.campaign,
                chunk.no = chunk.no,
                error = &error as &dyn std::error::Error,
                "a chunk's totals are left to reconcile"
            );
        }
    }

    async fn try_record(self, attempt: &Attempt<'_>, chunk: &Chunk) -> Result<(), Error> {
        let mut tx = attempt.backends.db.begin().await?;
        intent::close(&mut tx, &self.intents, attempt.now()).await?;
        for gone in self.gone.chunks(499) {
            device::remove_gone(&mut tx, gone, self.since).await?;
        }
        let tally = ChunkTally::of(chunk.campaign, chunk.no, chunk.version, &chunk.tally);
        let _: database::Change = chunk_tally::replace(&mut tx, &tally).await?;
        tx.commit().await.repeatable()?;
        match attempt.campaign.coupon {
            Some(coupon) if chunk.record.state.is_closed() => {
                let db = &attempt.backends.db;
                let holder = Holder {
                    campaign_id: chunk.campaign,
                    chunk_no: chunk.no,
                    shard: SHARD,
                };
                stock::return_unused(db, db, holder, coupon.id).await
            }
            _ => Ok(()),
        }
    }
}
