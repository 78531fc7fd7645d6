//! How many commits may be under way at once, found out while they run.
//!
//! What a store takes differs by a factor of a hundred between an emulator and a cluster, and
//! changes by the hour, so it is not configured but felt. Commits are judged in rounds, by how
//! much is written in a second. Now and then a round is tried with twice as many under way, which
//! stays if it pays, or with half as many, which stays if it costs next to nothing. Latency that
//! rises by itself takes a little off the limit, and a store that says that it is overloaded is
//! believed at once.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Twice as many under way must write this much more: where it is less, they mostly wait.
const PAYS: f64 = 1.15;

/// Half as many under way may write this much less.
const COSTS_NOTHING: f64 = 0.9;

/// Rounds between two tries that did not help.
const PATIENCE: u32 = 10;

/// A round this much slower than the ones before is queueing, and what is left of the limit then.
const QUEUES: f64 = 2.0;
const AFTER_QUEUEING: f64 = 0.9;

/// What is left of the limit after an overload.
const AFTER_OVERLOAD: f64 = 0.5;

/// How much a round counts in what is usual: a store that stays slower becomes the usual one.
const NEWEST: f64 = 0.25;

/// A round is as many commits as may be under way, but at least this many: fewer are luck.
const LEAST_ROUND: u32 = 8;

/// A round tells of the limit if it was used to this part on average.
const FULL: f64 = 0.8;

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
    /// What the rounds between tries are run at.
    settled: f64,
    /// What this round is tried with.
    trial: Option<Trial>,
    /// What is tried next, and after how many rounds.
    next: Trial,
    patience: u32,
    /// What is usual at the settled limit, once a round was run at it.
    usual: Option<Pace>,
    /// Commits that began under another limit, or right after it, and tell nothing of this one.
    earlier: usize,
    /// Commits that were under way with one that was refused; so may they be, for its reason.
    companions: usize,
    round: Round,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trial {
    Twice,
    Half,
}

/// How fast a round was.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Seconds that a mutation's worth took.
    took: f64,
    /// Mutations' worth in a second, by Little's law: what was under way, through how long it was.
    rate: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Round {
    commits: u32,
    seconds: f64,
    cost: f64,
    under_way: f64,
}

impl Limit {
    /// Begins at the lower bound; both bounds are at least 1.
    pub fn new(bounds: RangeInclusive<u32>) -> Self {
        let least = (*bounds.start()).max(1);
        Self {
            bounds: least..=(*bounds.end()).max(least),
            settled: f64::from(least),
            trial: None,
            next: Trial::Twice,
            patience: 1,
            usual: None,
            earlier: 0,
            companions: 0,
            round: Round::default(),
        }
    }

    /// How many may be under way now.
    pub fn get(&self) -> usize {
        self.whole(self.now())
    }

    /// Learns from a commit that ended while `under_way` were, itself included.
    pub fn learn(&mut self, outcome: Outcome, under_way: usize) -> Learnt {
        let (is_companion, is_earlier) = (self.companions > 0, self.earlier > 0);
        self.companions = self.companions.saturating_sub(1);
        self.earlier = self.earlier.saturating_sub(1);
        match outcome {
            Outcome::Overloaded if is_companion => Learnt::Nothing,
            Outcome::Overloaded => self.back_off(under_way),
            Outcome::Answered { .. } if is_earlier => Learnt::Nothing,
            Outcome::Answered { after, mutations } => {
                self.round.add(after, mutations, under_way);
                if self.round.commits >= LEAST_ROUND && self.round.commits as usize >= self.get() {
                    self.end_round(under_way)
                } else {
                    Learnt::Nothing
                }
            }
        }
    }

    fn back_off(&mut self, under_way: usize) -> Learnt {
        self.round = Round::default();
        self.settle(self.now() * AFTER_OVERLOAD, None);
        self.wait_for(Trial::Twice);
        self.companions = under_way.saturating_sub(1);
        self.earlier = under_way.max(self.get());
        Learnt::Overload
    }

    fn end_round(&mut self, under_way: usize) -> Learnt {
        let before = self.get();
        let round = std::mem::take(&mut self.round);
        let mean = Duration::try_from_secs_f64(round.seconds / f64::from(round.commits));
        let mean = mean.unwrap_or(Duration::MAX);
        let learnt = match (self.trial.take(), round.pace(before)) {
            // There was too little to do to tell anything.
            (_, None) => Learnt::Round(mean),
            (Some(trial), Some(pace)) => {
                self.judge(trial, pace);
                Learnt::Round(mean)
            }
            (None, Some(pace)) => self.observe(pace, mean),
        };
        if self.get() != before {
            // Those of before, or those with which the new limit is filled at once: their latencies
            // are neither the old one's nor the new one's.
            self.earlier = under_way.max(self.get());
        }
        learnt
    }

    /// Keeps what was tried, and tries the same again, or goes back and waits for a while.
    fn judge(&mut self, trial: Trial, pace: Pace) {
        let usual = self.usual.map_or(0.0, |usual| usual.rate);
        let (least, opposite) = match trial {
            Trial::Twice => (usual * PAYS, Trial::Half),
            Trial::Half => (usual * COSTS_NOTHING, Trial::Twice),
        };
        if pace.rate >= least {
            self.settle(self.of(trial), Some(pace));
            self.begin(trial);
        } else {
            self.wait_for(opposite);
        }
    }

    fn observe(&mut self, pace: Pace, mean: Duration) -> Learnt {
        let usual = self.usual.map_or(pace, |usual| usual.blend(pace));
        if pace.took > usual.took * QUEUES {
            self.settle(self.settled * AFTER_QUEUEING, Some(usual));
            return Learnt::Queueing(mean);
        }
        self.usual = Some(usual);
        self.patience = self.patience.saturating_sub(1);
        if self.patience == 0 {
            self.begin(self.next);
        }
        Learnt::Round(mean)
    }

    /// Runs the next round at another limit; where that is out of bounds, the other way is next.
    fn begin(&mut self, trial: Trial) {
        if self.whole(self.of(trial)) != self.whole(self.settled) {
            self.trial = Some(trial);
        } else {
            self.wait_for(match trial {
                Trial::Twice => Trial::Half,
                Trial::Half => Trial::Twice,
            });
        }
    }

    fn wait_for(&mut self, next: Trial) {
        self.next = next;
        self.patience = PATIENCE;
    }

    fn settle(&mut self, limit: f64, usual: Option<Pace>) {
        self.trial = None;
        self.usual = usual;
        self.settled = limit.clamp(f64::from(*self.bounds.start()), f64::from(*self.bounds.end()));
    }

    fn now(&self) -> f64 {
        self.trial.map_or(self.settled, |trial| self.of(trial))
    }

    fn of(&self, trial: Trial) -> f64 {
        match trial {
            Trial::Twice => self.settled * 2.0,
            Trial::Half => self.settled / 2.0,
        }
    }

    fn whole(&self, limit: f64) -> usize {
        // In bounds, so the cast loses nothing but the fraction.
        (limit as u32).clamp(*self.bounds.start(), *self.bounds.end()) as usize
    }
}

impl Round {
    fn add(&mut self, after: Duration, mutations: u32, under_way: usize) {
        self.commits += 1;
        self.seconds += after.as_secs_f64();
        self.cost += f64::from(mutations.saturating_add(COMMIT_COSTS));
        self.under_way += under_way as f64;
    }

    /// How fast it was; `None` if the limit was not used.
    fn pace(&self, limit: usize) -> Option<Pace> {
        let under_way = self.under_way / f64::from(self.commits);
        let is_full = under_way >= limit as f64 * FULL;
        // A clock that stands still says nothing either.
        let took = self.seconds / self.cost;
        (is_full && took > 0.0).then(|| Pace {
            took,
            rate: under_way / took,
        })
    }
}

impl Pace {
    fn blend(self, newest: Self) -> Self {
        let blend = |usual: f64, newest: f64| usual + (newest - usual) * NEWEST;
        Self {
            took: blend(self.took, newest.took),
            rate: blend(self.rate, newest.rate),
        }
    }
}

#[cfg(test)]
mod tests;
