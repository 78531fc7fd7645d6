//! The load guard's rule: what share of our work is begun while what we work on suffers.
//!
//! Each signal has a band. Below it nothing is asked of us; at its end we are to hold everything;
//! in between we are to do less in proportion, so that a replica that falls behind finds a load at
//! which it does not. The signal that asks for most decides.
//!
//! The share falls at once and rises slowly. Between the two it stays where it is: it rises only
//! if a signal that were a quarter higher would still allow it. So noise of that size moves
//! nothing, once the share has settled below its worst.
//!
//! Lag tells late: what a replica is about to apply was written before, and what waits behind it is
//! more. So a lag in its band that grows counts as what it would grow to. Pure.

use std::collections::VecDeque;
use std::time::Duration;

/// A signal this much below a value stands for that value when the share is to rise.
const EASE: f64 = 0.8;

/// What the share rises by with a sample.
const RISE: f64 = 0.05;

/// What is left of the share with a sample, at least; a signal at its end takes all of it.
const FALL: f64 = 0.5;

/// A lag that grows counts as what it would be after so many samples more.
const AHEAD: f64 = 8.0;

/// Of how many readings of a signal that jumps the middle one counts.
const READINGS: usize = 3;

/// Where a signal begins to slow us down, and where it holds everything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Above zero.
    pub slow_from: f64,
    /// Above `slow_from`.
    pub hold_at: f64,
}

/// The band of each signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Of the replica that is furthest behind, in seconds.
    pub replica_lag: Band,
    /// Statements that run on the primary at once.
    pub threads_running: Band,
    /// How long a small write on the primary takes, in seconds.
    pub statement: Band,
    /// The part of the commits to Datastore that it did not take, of 1.
    pub datastore_errors: Band,
}

/// What a sample has found; `None` where there is nothing to be found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signals {
    /// As in [`Thresholds`]; without end for a replica that is stopped.
    pub replica_lag: Option<f64>,
    /// As in [`Thresholds`].
    pub threads_running: Option<f64>,
    /// As in [`Thresholds`]; without end where no answer came.
    pub statement: Option<f64>,
    /// As in [`Thresholds`].
    pub datastore_errors: Option<f64>,
}

/// The signal that slows us down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A replica is behind.
    ReplicaLag,
    /// Too much runs on the primary at once.
    ThreadsRunning,
    /// The primary answers late.
    Statement,
    /// Datastore does not take what it is given.
    DatastoreErrors,
}

/// What is done about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// What share of our work is begun, from 0 to 1.
    pub share: f64,
    /// What slowed us down last; `None` exactly when nothing does.
    pub cause: Option<Cause>,
}

/// A verdict in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Everything goes at its own speed.
    Free,
    /// Less is begun.
    Slowed,
    /// Nothing is begun.
    Held,
}

/// The share, and what it is learnt from.
#[derive(Clone, Debug)]
pub struct Throttle {
    thresholds: Thresholds,
    replica_lag: Growth,
    threads_running: Middle,
    statement: Middle,
    verdict: Verdict,
}

/// What one signal asks for.
#[derive(Clone, Copy, Debug)]
struct Asked {
    cause: Cause,
    /// The share may not be higher.
    most: f64,
    /// It may rise as far as this.
    least: f64,
}

impl Throttle {
    /// Begins with the full share.
    pub fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            replica_lag: Growth::default(),
            threads_running: Middle::default(),
            statement: Middle::default(),
            verdict: Verdict::FREE,
        }
    }

    /// Learns from a sample; they come in equal steps of time.
    pub fn learn(&mut self, signals: Signals) -> Verdict {
        let asked = self.asked(signals);
        let worst = asked.iter().min_by(|one, other| one.most.total_cmp(&other.most));
        let least = asked.iter().map(|asked| asked.least).fold(1.0, f64::min);
        let most = worst.map_or(1.0, |worst| worst.most);
        let share = step(self.verdict.share, most, least);
        let cause = worst.filter(|worst| worst.most < 1.0).map(|worst| worst.cause);
        let cause = cause.or(self.verdict.cause).filter(|_| share < 1.0);
        self.verdict = Verdict { share, cause };
        self.verdict
    }

    fn asked(&mut self, signals: Signals) -> Vec<Asked> {
        let bands = &self.thresholds;
        let lag = signals
            .replica_lag
            .map(|now| self.replica_lag.of(now, bands.replica_lag));
        let threads = signals.threads_running.map(|now| self.threads_running.of(now));
        let statement = signals.statement.map(|now| self.statement.of(now));
        let each = [
            (Cause::ReplicaLag, bands.replica_lag, lag),
            (Cause::ThreadsRunning, bands.threads_running, threads),
            (Cause::Statement, bands.statement, statement),
            (
                Cause::DatastoreErrors,
                bands.datastore_errors,
                signals.datastore_errors,
            ),
        ];
        let read = each.into_iter().filter_map(|(cause, band, signal)| {
            let signal = signal?;
            Some(Asked {
                cause,
                most: band.share(signal),
                least: band.share(signal / EASE),
            })
        });
        read.collect()
    }
}

/// Where the share goes from `share`, between the most and the least of what it may be.
fn step(share: f64, most: f64, least: f64) -> f64 {
    if most <= 0.0 {
        0.0
    } else if share > most {
        most.max(share * FALL)
    } else if share < least {
        least.min(share + RISE)
    } else {
        share
    }
}

impl Band {
    /// The share at which a signal of that size leaves us.
    fn share(&self, signal: f64) -> f64 {
        (1.0 - (signal - self.slow_from) / (self.hold_at - self.slow_from)).clamp(0.0, 1.0)
    }
}

impl Verdict {
    /// Nothing suffers.
    pub const FREE: Self = Self {
        share: 1.0,
        cause: None,
    };

    /// The share in a word.
    pub fn state(&self) -> State {
        match self.share {
            share if share <= 0.0 => State::Held,
            share if share < 1.0 => State::Slowed,
            _ => State::Free,
        }
    }
}

impl Cause {
    /// Every one.
    pub const ALL: [Self; 4] = [
        Self::ReplicaLag,
        Self::ThreadsRunning,
        Self::Statement,
        Self::DatastoreErrors,
    ];

    /// Its name in metrics, logs and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReplicaLag => "replica_lag",
            Self::ThreadsRunning => "threads_running",
            Self::Statement => "statement",
            Self::DatastoreErrors => "datastore_errors",
        }
    }
}

impl State {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Free, Self::Slowed, Self::Held];

    /// Its name in logs and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Slowed => "slowed",
            Self::Held => "held",
        }
    }
}

/// How long a place rests after a unit of work that took `took`, so that it works for `share` of
/// the time; `None` for as long as that is nothing.
pub fn rest(took: Duration, share: f64) -> Option<Duration> {
    let times = (1.0 - share) / share;
    // Out of range only where it is as good as for ever.
    (share > 0.0)
        .then(|| Duration::try_from_secs_f64(took.as_secs_f64() * times).ok())
        .flatten()
}

/// The middle of the last readings: one that is far from the others says nothing.
#[derive(Clone, Debug, Default)]
struct Middle(VecDeque<f64>);

impl Middle {
    fn of(&mut self, reading: f64) -> f64 {
        if self.0.len() == READINGS {
            self.0.pop_front();
        }
        self.0.push_back(reading);
        let mut sorted = self.0.iter().copied().collect::<Vec<_>>();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted[(sorted.len() - 1) / 2]
    }
}

/// What a reading comes to if it goes on as in the last readings.
#[derive(Clone, Debug, Default)]
struct Growth(VecDeque<f64>);

impl Growth {
    fn of(&mut self, reading: f64, band: Band) -> f64 {
        let grown = self.0.front().map_or(0.0, |first| reading - first);
        self.0.push_back(reading);
        if self.0.len() > READINGS {
            self.0.pop_front();
        }
        if reading >= band.slow_from && reading.is_finite() && grown > 0.0 {
            reading + AHEAD * grown / READINGS as f64
        } else {
            reading
        }
    }
}

#[cfg(test)]
mod tests;
