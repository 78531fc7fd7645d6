//! The way of one task.
//!
//! ```text
//!   task ─▶ place ─▶ permit ─▶ guard ─▶ lease ─▶ load ─▶ sort ─▶ grants ─▶ send ─▶ settle ─▶ totals ─▶ 200
//!                       │        │        │                        │         │        │
//!                       └put back┘     ignored                     └─ given back with what is left ─▶ 200
//! ```
//!
//! A sender has so many places for chunks of each lane, so that none of the fast lane waits for a
//! place behind the bulk lane, whatever the queue sends. The budget is counted from before the
//! lease, so that a sender has stopped sending before its lease can end. Nothing is locked or open
//! while a gateway is called. What is cut off anywhere comes due again by the chunk's timer, and
//! meets its own work then: grants by their unique key, pushes by states that only rise.

use std::sync::Arc;
use std::time::Duration;

use campaign::{Lane, LeaseTerms, LeaseToken, Leased};
use governor::Governor;
use push_store::Error as StoreError;
use runtime::Backends;
use task_queue::Delivery;
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::{info, warn};

use crate::attempt::Attempt;
use crate::campaigns::Campaigns;
use crate::load::{self, Gates};
use crate::permit::{Permit, Permits};

/// Delivers chunks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sender {
    backends: Backends,
    permits: Permits,
    governor: Governor,
    campaigns: Campaigns,
    places: Places,
    /// Where the load guard lets chunks of each lane begin.
    gates: Gates,
}

/// Bounds the chunks in hand.
#[derive(Clone, Debug)]
struct Places {
    fast: Arc<Semaphore>,
    bulk: Arc<Semaphore>,
}

impl Places {
    fn new(of_a_lane: usize) -> Self {
        let places = || Arc::new(Semaphore::new(of_a_lane.min(Semaphore::MAX_PERMITS)));
        Self {
            fast: places(),
            bulk: places(),
        }
    }

    /// Waits for a place in that lane.
    async fn take(&self, lane: Lane) -> Option<SemaphorePermit<'_>> {
        let places = match lane {
            Lane::Fast => &self.fast,
            Lane::Bulk => &self.bulk,
        };
        // Ends with an error only when it is closed, which nobody does.
        places.acquire().await.ok()
    }
}

/// What became of a task. Each of them ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Every push of the chunk is final.
    Done,
    /// Something is left, and the chunk comes due again.
    GivenBack,
    /// Nothing may be sent now, or a database suffers; the chunk is put back.
    PutBack,
    /// The task is stale, or another sender works on the chunk.
    Ignored,
    /// The campaign has ended, or there is no such chunk.
    Ended,
}

impl Delivered {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::GivenBack => "given back",
            Self::PutBack => "put back",
            Self::Ignored => "ignored",
            Self::Ended => "ended",
        }
    }
}

impl Sender {
    /// A sender on these backends; it asks for permits from now on.
    pub fn new(backends: Backends) -> Self {
        let permits = Permits::start(&backends.process, backends.db.clone());
        let of_a_lane = usize::try_from(backends.process.config.sender.concurrency.get());
        let of_a_lane = of_a_lane.unwrap_or(usize::MAX);
        Self {
            gates: Gates::new(&backends, of_a_lane),
            governor: Governor::start(&backends),
            backends,
            permits,
            campaigns: Campaigns::default(),
            places: Places::new(of_a_lane),
        }
    }

    pub(crate) fn backends(&self) -> &Backends {
        &self.backends
    }

    /// Delivers the chunk that a task names, as far as it can be delivered now.
    ///
    /// # Errors
    ///
    /// Datastore could not be read or written, so the queue has to call again. After every other
    /// fault the chunk is put or given back, and comes due again.
    pub async fn deliver(&self, delivery: Delivery) -> Result<Delivered, StoreError> {
        let campaign = match self.campaigns.find(&self.backends.db, delivery.campaign).await {
            Ok(Some(campaign)) => campaign,
            Ok(None) => return Ok(Delivered::Ended),
            Err(error) => {
                warn!(
                    campaign.id = %delivery.campaign,
                    error = &error as &dyn std::error::Error,
                    "a campaign cannot be read"
                );
                return self.put_back(&delivery, Duration::ZERO).await;
            }
        };
        let _place = self.places.take(campaign.lane).await;
        match self.permit(&delivery).await {
            Permit::Go => {}
            Permit::Hold | Permit::Unknown => return self.put_back(&delivery, Duration::ZERO).await,
            Permit::Ended => return Ok(Delivered::Ended),
        }
        let Some(_turn) = self.gates.enter(campaign.lane, &self.backends).await else {
            return self.put_back(&delivery, load::again_after()).await;
        };
        let clock = &self.backends.process.clock;
        let until = clock.monotonic() + self.backends.process.config.sender.budget;
        let token = LeaseToken::allocate();
        let leased = self.backends.push_store.lease(
            delivery.chunk,
            delivery.generation,
            token,
            clock.now(),
            self.terms(),
        );
        match leased.await? {
            Some((Leased::Leased { until: lease_until }, chunk)) => {
                let attempt = Attempt {
                    backends: &self.backends,
                    permits: &self.permits,
                    governor: &self.governor,
                    campaign: &campaign,
                    chunk: &chunk,
                    token,
                    until,
                    lease_until,
                };
                attempt.run().await
            }
            Some((Leased::Early, _)) => self.put_back(&delivery, Duration::ZERO).await,
            Some((Leased::Busy | Leased::Stale | Leased::Closed, _)) => Ok(Delivered::Ignored),
            None => {
                warn!(
                    campaign.id = %delivery.campaign,
                    chunk.no = delivery.chunk_no,
                    "a task for a chunk that does not exist was dropped"
                );
                Ok(Delivered::Ended)
            }
        }
    }

    /// The permit to begin. A campaign that the last answer does not know may have been started
    /// since.
    async fn permit(&self, delivery: &Delivery) -> Permit {
        match self.permits.check(delivery.campaign) {
            permit @ (Permit::Go | Permit::Hold) => permit,
            Permit::Ended | Permit::Unknown => self.permits.check_anew(delivery.campaign).await,
        }
    }

    /// Puts the chunk back, for that long at least.
    async fn put_back(&self, delivery: &Delivery, wait: Duration) -> Result<Delivered, StoreError> {
        let at = self.backends.process.clock.now() + wait;
        self.backends
            .push_store
            .put_back(delivery.chunk, delivery.generation, at)
            .await?;
        info!(campaign.id = %delivery.campaign, chunk.no = delivery.chunk_no, "a chunk was put back");
        Ok(Delivered::PutBack)
    }

    fn terms(&self) -> LeaseTerms {
        let settings = &self.backends.process.config.sender;
        LeaseTerms {
            duration: settings.lease,
            skew: settings.skew,
        }
    }
}
