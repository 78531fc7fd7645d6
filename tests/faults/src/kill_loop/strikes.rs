//! What struck which process, and when: the reasons for which a message may have been sent twice.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Clocks are read a moment after what they tell of.
const TICK: Duration = Duration::from_millis(250);

/// Something that may keep what a process has handed over from being settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strike {
    pub(super) process: usize,
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    pub(super) delay: Delay,
}

/// Whether a strike lets messages reach the gateway later than they were handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delay {
    /// It may.
    Possible,
    /// It does not.
    None,
}

/// All strikes of a loop.
#[derive(Clone, Debug, Default)]
pub(super) struct Strikes(Vec<Strike>);

impl Strikes {
    /// Notes one that was seen at `now` and lasts on for so long.
    pub(super) fn add(&mut self, process: usize, now: DateTime<Utc>, lasts: Duration, delay: Delay) {
        self.0.push(Strike {
            process,
            from: now - TICK,
            to: now + lasts + TICK,
            delay,
        });
    }

    /// Whether one of the process falls in that time.
    pub(super) fn struck(&self, process: usize, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.of(process, from, to).next().is_some()
    }

    /// Whether one of the process in that time may have held messages up.
    pub(super) fn delayed(&self, process: usize, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.of(process, from, to)
            .any(|strike| strike.delay == Delay::Possible)
    }

    fn of(&self, process: usize, from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = &Strike> {
        let concerns =
            move |strike: &&Strike| strike.process == process && strike.from <= to && from <= strike.to;
        self.0.iter().filter(concerns)
    }
}
