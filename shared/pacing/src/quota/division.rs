//! Who gets how much.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// A process without work holds a 256th all the same, so that its first message need not wait for
/// an answer.
const STANDING: u64 = 256;

/// Of what nobody has asked for, a quarter of the whole is left lying, so that whoever comes finds
/// something at once.
const LEFT: u64 = 4;

/// How long a turn is: long enough for some messages of one a minute.
pub(super) const TURN: Duration = Duration::from_secs(300);

/// Messages a minute that a process could send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Of the fast lane.
    pub fast: u64,
    /// Of the bulk lane.
    pub bulk: u64,
}

/// What a process holds and could use. All figures are messages a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Its share, which it may be using.
    pub held: u64,
    /// What it could use.
    pub demand: Demand,
}

/// Whose turn it is, where a quota does not divide: figures are whole, and of a quota of three
/// messages a minute four processes cannot have one each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// The turn's number, which everybody reckons by a clock.
    no: u64,
    /// How many of the others come before the one who asks, in an order that all have.
    before: usize,
}

/// What comes of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Division {
    /// The share from now on; never less than what was held.
    pub share: u64,
    /// What the holder comes down to before it asks again, where that is less.
    pub target: u64,
}

impl Claim {
    /// The same as whoever answers it has to see it. A share that is not written down any more has
    /// ended: somebody has found so since it was asked for, and may have given it to others.
    pub fn written_down(self, is_written_down: bool) -> Self {
        Self {
            held: if is_written_down { self.held } else { 0 },
            ..self
        }
    }
}

/// Answers `own`, which the question came with, beside the live claims of all others.
///
/// The fast lane's demand of everybody goes before the bulk lane's. Within a lane everybody gets as
/// much as asked for, or as much as anybody ([max-min fair][fair]). What nobody asked for goes in
/// equal parts to those with work, but for a quarter of the whole. What does not divide goes to some
/// of them for a while, and then to the next, so that nobody waits for ever behind a quota that is
/// smaller than the number of processes. A share grows by what is free; what others are to come down
/// to is free when they have.
///
/// [fair]: https://en.wikipedia.org/wiki/Max-min_fairness
pub fn divide(usable: u64, own: Claim, others: &[Claim], turn: Turn) -> Division {
    let target = target(usable, own, others, turn).min(usable);
    let taken = others.iter().map(|other| other.held).sum::<u64>() + own.held;
    let free = usable.saturating_sub(taken);
    Division {
        share: own.held + target.saturating_sub(own.held).min(free),
        target,
    }
}

fn target(usable: u64, own: Claim, others: &[Claim], turn: Turn) -> u64 {
    let standing = usable / STANDING;
    let (before, after) = others.split_at(turn.before.min(others.len()));
    let lane = |of: fn(Demand) -> u64, at_least: u64| {
        let all = before.iter().chain([&own]).chain(after);
        all.map(|claim| of(claim.demand).max(at_least))
            .collect::<Vec<_>>()
    };
    let fast = lane(|demand| demand.fast, standing);
    let (fast, left) = share_out(usable, &fast, turn);
    let (bulk, left) = share_out(left, &lane(|demand| demand.bulk, 0), turn);
    let spare = if own.demand.is_none() {
        0
    } else {
        let with_work = others.iter().filter(|other| !other.demand.is_none()).count() as u64 + 1;
        left.saturating_sub(usable / LEFT) / with_work
    };
    fast + bulk + spare
}

/// What the one of these demands gets whose turn it is told by, and what is left when all have
/// theirs.
fn share_out(capacity: u64, demands: &[u64], turn: Turn) -> (u64, u64) {
    let own = demands.get(turn.before).copied().unwrap_or_default();
    let mut smallest_first = demands.to_vec();
    smallest_first.sort_unstable();
    let mut left = capacity;
    for (before, demand) in smallest_first.iter().enumerate() {
        let wanting = (smallest_first.len() - before) as u64;
        let level = left / wanting;
        if *demand > level {
            // From here on everybody gets the same, and some a message more.
            let wants_more = |demand: &&u64| **demand > level;
            let place = demands.iter().take(turn.before).filter(wants_more).count() as u64;
            let has_its_turn = (place + turn.no) % wanting < left % wanting;
            return (own.min(level + u64::from(has_its_turn)), 0);
        }
        left -= demand;
    }
    (own, left)
}

impl Turn {
    /// The turn at `now`, for one who comes after `before` of the others, in the order in which they
    /// are given to [`divide`].
    pub fn at(now: DateTime<Utc>, before: usize) -> Self {
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Self {
            no: seconds / TURN.as_secs(),
            before,
        }
    }
}

impl Demand {
    /// Whether there is no work at all.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}
