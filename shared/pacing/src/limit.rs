//! How many commits may be under way at once, found out while they run.
//!
//! What a store takes differs by a factor of a hundred between an emulator and a cluster, and
//! changes by the hour, so it is not configured but felt. Commits are judged in rounds, by what
//! a mutation took: while a round is about as fast as the best one lately, the store has room,
//! and the limit grows; when it takes twice as long, commits only queue, and the limit shrinks.
//! A store that says that it is overloaded is believed at once.

use std::ops::RangeInclusive;
use std::time::Duration;

/// A round this much slower than the best one has room left.
const HOLDS: f64 = 1.25;

/// A round this much slower than the best one is only queueing.
const QUEUES: f64 = 2.0;

/// What is left of the limit after a round that was queueing, and after an overload.
const AFTER_QUEUEING: f64 = 0.9;
const AFTER_OVERLOAD: f64 = 0.5;

/// A round is as many commits as may be under way, but at least this many: fewer are luck.
const LEAST_ROUND: u32 = 8;

/// After so many rounds what is best is measured anew, in a round at half the limit: the store
/// may have become slower, or the best round may have been luck.
const MEASURE_EVERY: u32 = 50;

/// What a commit costs beside its mutations, in mutations. The last chunk of a time zone may hold
/// three pushes; without this it would seem slow, and judged by whole commits the others would.
const COMMIT_COSTS: u32 = 50;

/// How a commit ended, as far as it tells something about the store's load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// It was answered.
    Answered {
        /// After this time.
        after: Duration,
        /// How many mutations it held.
        mutations: u32,
    },
    /// The store refused it because of its load, was not to be reached, or did not answer.
    Overloaded,
}

/// What a commit taught.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Learnt {
    /// Nothing yet.
    Nothing,
    /// It was the last of a round, in which a commit took this time on average.
    Round(Duration),
    /// It was the last of a round that was queueing: the limit shrinks.
    Queueing(Duration),
    /// The store is overloaded: the limit is halved.
    Overload,
}

/// The limit, and what it was learnt from.
#[derive(Clone, Debug)]
pub struct Limit {
    bounds: RangeInclusive<u32>,
    limit: f64,
    /// Doubles with every round until one does not hold.
    doubles: bool,
    /// Seconds that a mutation took in the best round.
    best: Option<f64>,
    rounds_until_measured: u32,
    /// At half the limit, for one round.
    measures: bool,
    /// Commits under way that began under another limit, and tell nothing of this one.
    earlier: usize,
    round: Round,
}

#[derive(Clone, Copy, Debug, Default)]
struct Round {
    commits: u32,
    seconds: f64,
    cost: f64,
    /// Whether the limit was reached in it, so that it tells something about the limit.
    is_full: bool,
}

impl Limit {
    /// Begins at the lower bound; both bounds are at least 1.
    pub fn new(bounds: RangeInclusive<u32>) -> Self {
        let least = (*bounds.start()).max(1);
        let bounds = least..=(*bounds.end()).max(least);
        Self {
            bounds,
            limit: f64::from(least),
            doubles: true,
            best: None,
            rounds_until_measured: MEASURE_EVERY,
            measures: false,
            earlier: 0,
            round: Round::default(),
        }
    }

    /// How many may be under way now.
    pub fn get(&self) -> usize {
        let limit = if self.measures {
            self.limit / 2.0
        } else {
            self.limit
        };
        // In bounds, so the cast loses nothing but the fraction.
        (limit as u32).clamp(*self.bounds.start(), *self.bounds.end()) as usize
    }

    /// Learns from a commit that ended while `under_way` were, itself included.
    pub fn learn(&mut self, outcome: Outcome, under_way: usize) -> Learnt {
        if self.earlier > 0 {
            self.earlier -= 1;
            return Learnt::Nothing;
        }
        match outcome {
            Outcome::Overloaded => self.back_off(under_way),
            Outcome::Answered { after, mutations } => {
                self.round.commits += 1;
                self.round.seconds += after.as_secs_f64();
                self.round.cost += f64::from(mutations.saturating_add(COMMIT_COSTS));
                self.round.is_full |= under_way >= self.get();
                if self.round.commits >= LEAST_ROUND && self.round.commits as usize >= self.get() {
                    self.end_round(under_way)
                } else {
                    Learnt::Nothing
                }
            }
        }
    }

    fn back_off(&mut self, under_way: usize) -> Learnt {
        self.doubles = false;
        self.measures = false;
        self.round = Round::default();
        self.set(self.limit * AFTER_OVERLOAD, under_way);
        // What was under way with it would be refused for the same reason.
        self.earlier = under_way.saturating_sub(1);
        Learnt::Overload
    }

    fn end_round(&mut self, under_way: usize) -> Learnt {
        let round = std::mem::take(&mut self.round);
        let took = round.seconds / round.cost;
        let mean = Duration::try_from_secs_f64(round.seconds / f64::from(round.commits));
        let mean = mean.unwrap_or(Duration::MAX);
        if std::mem::take(&mut self.measures) {
            self.best = Some(took);
            self.earlier = under_way.saturating_sub(1);
            return Learnt::Round(mean);
        }
        // At the lower bound nothing queues that could be helped: that is what a commit takes.
        let is_lowest = self.get() == *self.bounds.start() as usize;
        let best = self.best.filter(|best| !is_lowest && *best < took);
        let best = *self.best.insert(best.unwrap_or(took));
        let learnt = if took > best * QUEUES {
            self.doubles = false;
            self.set(self.limit * AFTER_QUEUEING, under_way);
            Learnt::Queueing(mean)
        } else {
            self.doubles &= took <= best * HOLDS;
            if took <= best * HOLDS && round.is_full {
                let growth = if self.doubles {
                    self.limit
                } else {
                    self.limit.sqrt()
                };
                self.set(self.limit + growth, under_way);
            }
            Learnt::Round(mean)
        };
        self.measure_at_times(under_way);
        learnt
    }

    fn measure_at_times(&mut self, under_way: usize) {
        self.rounds_until_measured -= 1;
        if self.rounds_until_measured == 0 {
            self.rounds_until_measured = MEASURE_EVERY;
            self.measures = true;
            self.earlier = under_way.saturating_sub(1);
        }
    }

    fn set(&mut self, limit: f64, under_way: usize) {
        let before = self.get();
        self.limit = limit.clamp(f64::from(*self.bounds.start()), f64::from(*self.bounds.end()));
        if self.get() != before {
            self.earlier = under_way.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
