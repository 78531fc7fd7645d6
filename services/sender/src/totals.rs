//! What SQL shows of a chunk, brought up to date after an attempt.
//!
//! Nothing depends on it: what is lost here, reconcile finds and does. So a failure is logged
//! and the task ends well.

use campaign::IntentId;
use chrono::{DateTime, Utc};
use database::campaign::Kind;
use database::chunk_tally::{self, ChunkTally};
use database::feedback::{self, Fate};
use database::shard::{chunk_grants, intent};
use database::stock_reservation::{self, Holder};
use database::{Error, device};
use push_store::Chunk;
use tracing::warn;
use uuid::Uuid;

use crate::attempt::Attempt;

/// What an attempt leaves to be recorded.
#[derive(Debug)]
pub(crate) struct Totals {
    since: DateTime<Utc>,
    /// Intents whose Datastore side is done. One that granted nobody was never written, and
    /// closing it does nothing.
    pub(crate) intents: Vec<IntentId>,
    /// Devices that their gateway called gone.
    pub(crate) gone: Vec<Uuid>,
    /// Devices that their gateway called wrong.
    pub(crate) wrong: Vec<Uuid>,
}

impl Totals {
    /// Nothing yet, of an attempt that began at `since`.
    pub(crate) fn since(since: DateTime<Utc>) -> Self {
        Self {
            since,
            intents: Vec::new(),
            gone: Vec::new(),
            wrong: Vec::new(),
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
        fault_points::reach!(BeforeTotals, Err(Error::unreachable(fault_points::Injected)));
        let mut tx = attempt.backends.db.begin().await?;
        intent::close(&mut tx, &self.intents, attempt.now()).await?;
        for gone in self.gone.chunks(499) {
            feedback::insert(&mut tx, gone, Fate::Gone, self.since, attempt.now()).await?;
            device::remove_gone(&mut tx, gone, self.since).await?;
        }
        for wrong in self.wrong.chunks(499) {
            feedback::insert(&mut tx, wrong, Fate::Wrong, self.since, attempt.now()).await?;
            device::quarantine(&mut tx, wrong, self.since).await?;
        }
        if !self.gone.is_empty() || !self.wrong.is_empty() {
            fault_points::reach!(AddressesRemoved, Err(Error::unreachable(fault_points::Injected)));
        }
        match attempt.campaign.kind {
            Kind::Broadcast => {
                let (version, state) = (chunk.version, chunk.record.state);
                let tally = ChunkTally::of(chunk.campaign, chunk.no, version, state, &chunk.tally);
                let _: database::Change = chunk_tally::replace(&mut tx, &tally).await?;
            }
            // Their chunks have no numbers, and are counted in Datastore.
            Kind::Triggered => {}
        }
        if let Some(coupon) = attempt.campaign.coupon
            && chunk.record.state.is_closed()
        {
            fault_points::reach!(BeforeStockReturn, Err(Error::unreachable(fault_points::Injected)));
            let used = chunk_grants::close(&mut tx, chunk.campaign, chunk.no, coupon.id).await?;
            // Last, since every chunk of the campaign wants the coupon's lock.
            let holder = Holder::in_main(chunk.campaign, chunk.no);
            stock_reservation::return_unused(&mut tx, holder, coupon.id, used, attempt.now()).await?;
        }
        tx.commit().await.repeatable()
    }
}
