//! Who gets how much.

/// A process without work holds a 256th all the same, so that its first message need not wait for
/// an answer.
const STANDING: u64 = 256;

/// Of what nobody has asked for, a quarter of the whole is left lying, so that whoever comes finds
/// something at once.
const LEFT: u64 = 4;

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
/// equal parts to those with work, but for a quarter of the whole. A share grows by what is free;
/// what others are to come down to is free when they have.
///
/// [fair]: https://en.wikipedia.org/wiki/Max-min_fairness
pub fn divide(usable: u64, own: Claim, others: &[Claim]) -> Division {
    let target = target(usable, own, others).min(usable);
    let taken = others.iter().map(|other| other.held).sum::<u64>() + own.held;
    let free = usable.saturating_sub(taken);
    Division {
        share: own.held + target.saturating_sub(own.held).min(free),
        target,
    }
}

fn target(usable: u64, own: Claim, others: &[Claim]) -> u64 {
    let standing = usable / STANDING;
    let lane = |of: fn(Demand) -> u64, at_least: u64| {
        let others = others.iter().map(|other| other.demand);
        let all = others.chain([own.demand]);
        all.map(|demand| of(demand).max(at_least)).collect::<Vec<_>>()
    };
    let fast = lane(|demand| demand.fast, standing);
    let (fast, left) = share_out(usable, fast);
    let (bulk, left) = share_out(left, lane(|demand| demand.bulk, 0));
    let spare = if own.demand.is_none() {
        0
    } else {
        let with_work = others.iter().filter(|other| !other.demand.is_none()).count() as u64 + 1;
        left.saturating_sub(usable / LEFT) / with_work
    };
    fast + bulk + spare
}

/// What the last of those with these demands gets, and what is left when all have theirs.
fn share_out(capacity: u64, demands: Vec<u64>) -> (u64, u64) {
    let own = demands.last().copied().unwrap_or_default();
    let mut smallest_first = demands;
    smallest_first.sort_unstable();
    let mut left = capacity;
    for (before, demand) in smallest_first.iter().enumerate() {
        let level = left / (smallest_first.len() - before) as u64;
        if *demand > level {
            // From here on everybody gets the same, and what does not divide is nobody's.
            return (own.min(level), 0);
        }
        left -= demand;
    }
    (own, left)
}

impl Demand {
    /// Whether there is no work at all.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}
