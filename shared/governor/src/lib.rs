//! The governor: what lets a message go, so that no gateway gets more than its quota and no
//! campaign sends faster than it may.
//!
//! A quota is one for all that send, by its name. Each holder of a governor [leases](lease) a share of it in
//! SQL and lets messages through a [`Turnstile`] at that rate, those of the fast lane first; the
//! rules are [`pacing::quota`]'s. Nothing is written for a single message. While SQL does not
//! answer there is no new share, the last one ends within five seconds, and messages wait until
//! their attempt's time is over; then their chunk is given back, and nothing is burnt.
//!
//! A sender has one for as long as it lives; a test send has one for itself, and gives its share
//! back when it is through.

mod lease;
mod turnstile;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use campaign::CampaignId;
use database::quota::name_of;
use provider::{Address, Outcome};
use runtime::Backends;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use turnstile::Limit;
pub use turnstile::Turnstile;

/// The turnstiles of a sender. Clones share them, and one share of each quota.
#[derive(Clone, Debug)]
pub struct Governor {
    turnstiles: Arc<Turnstiles>,
    /// Of the project at FCM; `None` where it has no quota.
    fcm: Option<Arc<Turnstile>>,
    _in_use: Arc<DropGuard>,
}

/// All turnstiles, by the names of their quotas.
#[derive(Debug)]
struct Turnstiles {
    backends: Backends,
    by_name: Mutex<BTreeMap<String, Arc<Turnstile>>>,
    /// Somebody needs a share sooner than in a second.
    asked_for: Arc<Notify>,
}

impl Governor {
    /// Starts to lease shares, until nobody holds the governor any more.
    pub fn start(backends: &Backends) -> Self {
        let process = &backends.process;
        let turnstiles = Arc::new(Turnstiles {
            backends: backends.clone(),
            by_name: Mutex::default(),
            asked_for: Arc::default(),
        });
        let fcm = process.config.provider.fcm.quota();
        let fcm = fcm.map(|(name, per_minute)| turnstiles.get(name, Limit::Quota(per_minute)));
        let out_of_use = CancellationToken::new();
        process
            .tasks
            .spawn(lease::again_and_again(turnstiles.clone(), out_of_use.clone()));
        Self {
            turnstiles,
            fcm,
            _in_use: Arc::new(out_of_use.drop_guard()),
        }
    }

    /// What a message to that address passes, of a campaign that sends so many a second at most.
    pub fn on_the_way_to(
        &self,
        address: Address<'_>,
        campaign: CampaignId,
        max_per_second: Option<u32>,
    ) -> Vec<Arc<Turnstile>> {
        let own = max_per_second.map(|per_second| {
            let limit = Limit::Pace(u64::from(per_second) * 60);
            self.turnstiles.get(name_of(campaign), limit)
        });
        own.into_iter().chain(self.of(address).cloned()).collect()
    }

    /// The quota of the address's gateway. APNs and Web Push tell of none.
    fn of(&self, address: Address<'_>) -> Option<&Arc<Turnstile>> {
        match address {
            Address::Fcm(_) => self.fcm.as_ref(),
            Address::Apns(_) | Address::WebPush(_) => None,
        }
    }

    /// Takes note of what the address's gateway answered. Throttled for a time that it does not say
    /// is `throttled_floor`.
    pub fn heard_of(&self, address: Address<'_>, outcome: &Outcome, throttled_floor: Duration) {
        let Some(turnstile) = self.of(address) else {
            return;
        };
        match outcome {
            // Of the project, or of one device: it is the number of them that tells.
            Outcome::Throttled { after, scope: _ } => turnstile.note(Some(after.unwrap_or(throttled_floor))),
            Outcome::Accepted
            | Outcome::AddressGone { .. }
            | Outcome::AddressWrong
            | Outcome::PayloadWrong(_)
            | Outcome::CredentialRefused(_) => turnstile.note(None),
            // It says nothing about how much it gets.
            Outcome::Unreachable(_) => {}
        }
    }
}

impl Turnstiles {
    /// The turnstile of that name, which is made if there is none.
    fn get(&self, name: String, limit: Limit) -> Arc<Turnstile> {
        let mut by_name = self.lock();
        if let Some(turnstile) = by_name.get(&name).filter(|it| it.limit() == limit) {
            return turnstile.clone();
        }
        let clock = self.backends.process.clock.clone();
        let turnstile = Turnstile::new(name.clone(), limit, clock, self.asked_for.clone());
        let turnstile = Arc::new(turnstile);
        by_name.insert(name, turnstile.clone());
        turnstile
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Turnstile>>> {
        // Nothing in there can panic half-way.
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
