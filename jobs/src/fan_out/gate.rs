//! Lets chunks start as fast as a cold store may be written to.
//!
//! The ramp is one for all processes: its position is in SQL, and a process takes about a second
//! of it at a time. What it took and does not use is lost.

use std::time::Duration;

use chrono::{DateTime, Utc};
use database::ramp::{self as position, Position};
use pacing::ramp::{self, Ramp};
use runtime::Backends;

use crate::error::Error;

/// Seconds of the ramp that are taken at once.
const SPAN: f64 = 1.0;

/// What is let through.
#[derive(Debug)]
pub(super) struct Gate {
    /// Which store's ramp; `None` for a warm store.
    store: Option<String>,
    is_asking: bool,
    /// Mutations that may start now.
    open: u64,
    /// Those that may start later.
    coming: Option<Admission>,
}

/// Mutations that may start from then on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission {
    mutations: u64,
    begins: DateTime<Utc>,
    /// Whether the ramp has come to its end.
    is_last: bool,
}

impl Gate {
    /// The gate before the configured store.
    pub(super) fn of(backends: &Backends) -> Self {
        let config = &backends.process.config;
        Self {
            store: config.ramps_up().then(|| config.datastore.name()),
            is_asking: false,
            open: 0,
            coming: None,
        }
    }

    /// Lets so many mutations through, or not.
    pub(super) fn admits(&mut self, mutations: u64, now: DateTime<Utc>) -> bool {
        if self.store.is_none() {
            return true;
        }
        if let Some(coming) = self.coming.take_if(|coming| coming.begins <= now) {
            self.open += coming.mutations;
            if coming.is_last {
                self.store = None;
                return true;
            }
        }
        let is_open = self.open >= mutations;
        if is_open {
            self.open -= mutations;
        }
        is_open
    }

    /// How long until it opens further.
    pub(super) fn opens_in(&self, now: DateTime<Utc>) -> Option<Duration> {
        let coming = self.coming.as_ref()?;
        Some((coming.begins - now).to_std().unwrap_or_default())
    }

    /// Begins to ask for more, where `ready` mutations are to start; `None` where there is
    /// nothing to ask for. The store, and how many.
    pub(super) fn ask(&mut self, ready: u64) -> Option<(String, u64)> {
        let missing = ready.saturating_sub(self.open);
        let is_waiting = self.is_asking || self.coming.is_some();
        let store = self.store.as_ref().filter(|_| missing > 0 && !is_waiting)?;
        self.is_asking = true;
        Some((store.clone(), missing))
    }

    /// What was asked for is answered, or could not be.
    pub(super) fn answer(&mut self, admission: Option<Admission>) {
        self.is_asking = false;
        self.coming = admission;
    }
}

/// Takes the next second of the ramp, or as much as `missing` needs.
pub(super) async fn admit(backends: &Backends, store: &str, missing: u64) -> Result<Admission, Error> {
    let now = backends.process.clock.now();
    let mut tx = backends.db.begin().await?;
    let Position { elapsed, free_at } = position::lock(&mut tx, store, now).await?;
    let mut ramp = Ramp { elapsed, free_at };
    let rate = ramp::rate_at(elapsed);
    // A rate without end is cut to the largest number, which `missing` is not.
    let mutations = missing.min((rate * SPAN) as u64);
    let begins = ramp.admit(mutations, now);
    let Ramp { elapsed, free_at } = ramp;
    position::advance(&mut tx, store, Position { elapsed, free_at }).await?;
    tx.commit().await.repeatable()?;
    metrics::gauge!("noroshi_fan_out_ramp_writes_per_second").set(rate);
    Ok(Admission {
        mutations,
        begins,
        is_last: ramp.is_over(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> DateTime<Utc> {
        "2026-07-01T12:00:00Z".parse().unwrap()
    }

    fn cold() -> Gate {
        Gate {
            store: Some("project//".to_owned()),
            is_asking: false,
            open: 0,
            coming: None,
        }
    }

    fn admission(mutations: u64, begins: DateTime<Utc>) -> Option<Admission> {
        Some(Admission {
            mutations,
            begins,
            is_last: false,
        })
    }

    #[test]
    fn a_cold_store_takes_what_was_admitted_from_then_on() {
        let (mut gate, later) = (cold(), noon() + Duration::from_secs(1));

        let asked = gate.ask(2_000);
        let twice = gate.ask(2_000);
        gate.answer(admission(1_000, later));

        assert_eq!(asked, Some(("project//".to_owned(), 2_000)));
        assert_eq!((twice, gate.ask(2_000)), (None, None));
        assert_eq!(gate.opens_in(noon()), Some(Duration::from_secs(1)));
        assert!(!gate.admits(500, noon()));
        assert!(gate.admits(500, later) && gate.admits(500, later));
        assert!(!gate.admits(1, later));
        assert_eq!(gate.ask(700), Some(("project//".to_owned(), 700)));
    }

    #[test]
    fn after_an_answer_that_did_not_come_it_is_asked_again() {
        let mut gate = cold();

        let first = gate.ask(500);
        gate.answer(None);

        assert!(first.is_some() && gate.ask(500).is_some());
    }

    #[test]
    fn a_store_that_is_warm_takes_everything() {
        let mut gate = cold();
        let last = admission(500, noon()).map(|admission| Admission {
            is_last: true,
            ..admission
        });

        gate.answer(last);

        assert!(gate.admits(u64::MAX, noon()));
        assert_eq!(gate.ask(u64::MAX), None);
    }
}
