//! Google's rule for key ranges that are cold: 500 writes a second at first, half as many again
//! every five minutes.
//!
//! A range is cold until it carries traffic: Datastore splits it over more machines while the
//! traffic grows, and not before. The keys of chunks and pushes are hashed, so all campaigns
//! write over the whole range of their kinds, and what one has warmed is warm for the next: there
//! is **one** ramp for a store, and it advances by what was written, not by the clock. Time
//! without writes leaves it where it is; Google does not say how soon a range cools.
//!
//! Source: "Ramping up traffic" in Google's best practices for Datastore, the "500/50/5" rule.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Writes a second to a cold range.
pub const FIRST_RATE: f64 = 500.0;

/// The rate of a step, as a multiple of the one before.
pub const GROWTH: f64 = 1.5;

/// How long each rate is held.
pub const STEP: Duration = Duration::from_secs(300);

/// After so many steps the ramp is over: it has come to more than a million writes a second.
pub const STEPS: u32 = 19;

/// How far a store is on its ramp. It begins with [`Ramp::default`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ramp {
    /// How long the store was written to, at the rates of the ramp.
    pub elapsed: Duration,
    /// When the writes that were let through are written, at the rates of the ramp.
    pub free_at: DateTime<Utc>,
}

impl Ramp {
    /// Lets `writes` through and says from when on they may begin: at `now`, or when those let
    /// through before are written. What nobody asked for is lost: a pause is no credit.
    pub fn admit(&mut self, writes: u64, now: DateTime<Utc>) -> DateTime<Utc> {
        let begins = self.free_at.max(now);
        let takes = time_for(writes, self.elapsed);
        self.elapsed += takes;
        // Out of range in some three hundred thousand years.
        let takes = TimeDelta::from_std(takes).unwrap_or(TimeDelta::MAX);
        self.free_at = begins.checked_add_signed(takes).unwrap_or(begins);
        begins
    }

    /// Whether the store is warm.
    pub fn is_over(&self) -> bool {
        step_at(self.elapsed) >= STEPS
    }
}

/// Writes a second that are allowed after `elapsed` on the ramp; without an end when it is over.
pub fn rate_at(elapsed: Duration) -> f64 {
    match step_at(elapsed) {
        STEPS.. => f64::INFINITY,
        step => FIRST_RATE * GROWTH.powf(f64::from(step)),
    }
}

/// The rate after `elapsed`, and how long it is still held; the last one for good.
pub(crate) fn step(elapsed: Duration) -> (f64, Duration) {
    let ends = match step_at(elapsed) {
        STEPS.. => Duration::MAX,
        step => STEP * (step + 1),
    };
    (rate_at(elapsed), ends.saturating_sub(elapsed))
}

/// How long `writes` take from `elapsed` on.
pub fn time_for(writes: u64, elapsed: Duration) -> Duration {
    let (mut left, mut at) = (writes as f64, elapsed);
    loop {
        let (rate, lasts) = step(at);
        if rate.is_infinite() {
            return at - elapsed;
        }
        let in_step = rate * lasts.as_secs_f64();
        if left <= in_step {
            return at + Duration::from_secs_f64(left / rate) - elapsed;
        }
        left -= in_step;
        at += lasts;
    }
}

/// Writes that are allowed in the first `elapsed` of the ramp.
pub fn writes_until(elapsed: Duration) -> f64 {
    let whole_steps = (0..step_at(elapsed)).map(|step| rate_at(STEP * step) * STEP.as_secs_f64());
    let rest = (elapsed - STEP * step_at(elapsed)).as_secs_f64();
    whole_steps.sum::<f64>() + if rest > 0.0 { rate_at(elapsed) * rest } else { 0.0 }
}

fn step_at(elapsed: Duration) -> u32 {
    u32::try_from(elapsed.as_secs() / STEP.as_secs())
        .unwrap_or(STEPS)
        .min(STEPS)
}

#[cfg(test)]
mod tests;
