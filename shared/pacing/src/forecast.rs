//! When a campaign's work will be done, if nothing changes.
//!
//! Pushes are treated as a fluid. They are made along a curve, as fast as the store takes them and
//! the ramp allows; a batch may be delivered as far as it is made, from its due time on; and one
//! server of a constant rate delivers, the batch that is due earliest first. Of such a system, what
//! has left it by a moment is known exactly: it is the least, over all earlier moments, of what had
//! come in by then and what the server can do since. Nobody else is reckoned with: neither other
//! campaigns, nor retries, nor what goes wrong.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::ramp;

/// How fast everything goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// Writes a second that the store takes, ramp apart. More than 0 and not without end.
    pub writes: f64,
    /// Time that a cold store has been on its ramp; `None` for one that is not held back.
    pub ramp: Option<Duration>,
    /// Pushes a second that are delivered. More than 0 and not without end.
    pub deliveries: f64,
}

/// What is left to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// When it begins, or goes on.
    pub begins_at: DateTime<Utc>,
    /// Pushes that are still to be made.
    pub unexpanded: u64,
    /// Writes that this takes: those pushes, and the markers of their chunks.
    pub writes: u64,
    /// Pushes that are still to be delivered, made or not, the earliest due first.
    pub batches: Vec<Batch>,
}

/// Pushes that are due at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// How many.
    pub pushes: u64,
    /// From when on they may be delivered.
    pub due_at: DateTime<Utc>,
    /// From when on it is too late.
    pub expires_at: DateTime<Utc>,
}

/// When it will be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// When the last push is made.
    pub expanded_at: DateTime<Utc>,
    /// When the last push is delivered.
    pub delivered_at: DateTime<Utc>,
    /// The same of each batch, in their order.
    pub batches: Vec<Outlook>,
}

/// What becomes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// When the last of it would be delivered, if none expired.
    pub delivered_at: DateTime<Utc>,
    /// How many are not delivered when it is too late.
    pub late: u64,
}

/// When `work` will be done at that speed.
pub fn forecast(work: &Work, speed: Speed) -> Forecast {
    let flow = Flow::of(work, speed);
    let batches = (0..work.batches.len()).map(|at| Outlook {
        delivered_at: flow.instant(flow.delivered(at)),
        late: flow.late(at, &work.batches[at]),
    });
    let batches: Vec<_> = batches.collect();
    let expanded_at = flow.instant(flow.expanded());
    let last = batches.iter().map(|batch| batch.delivered_at).max();
    Forecast {
        expanded_at,
        delivered_at: last.unwrap_or(expanded_at),
        batches,
    }
}

/// The work as curves over seconds from its beginning.
struct Flow {
    begins_at: DateTime<Utc>,
    /// Where the curve of made pushes bends: (seconds, part of all that is left that is made).
    made: Vec<(f64, f64)>,
    /// When each batch is due.
    due: Vec<f64>,
    /// Pushes of all batches up to and including each.
    sums: Vec<f64>,
    /// Moments at which something changes.
    bends: Vec<f64>,
    rate: f64,
}

impl Flow {
    fn of(work: &Work, speed: Speed) -> Self {
        let due = work
            .batches
            .iter()
            .map(|batch| seconds(batch.due_at - work.begins_at));
        let due: Vec<_> = due.collect();
        let sums = work.batches.iter().scan(0.0, |sum, batch| {
            *sum += batch.pushes as f64;
            Some(*sum)
        });
        let sums: Vec<_> = sums.collect();
        let left = sums.last().copied().unwrap_or_default();
        let made = made(work, speed, left);
        let bends = made
            .iter()
            .map(|(at, _)| *at)
            .chain(due.iter().copied())
            .collect();
        Self {
            begins_at: work.begins_at,
            made,
            due,
            sums,
            bends,
            rate: speed.deliveries,
        }
    }

    /// When the last push is made.
    fn expanded(&self) -> f64 {
        self.made.last().map_or(0.0, |(at, _)| *at)
    }

    /// When the last push of the batches up to `last` is delivered: not before it may be, and at
    /// every moment as much later as the server needs for what had not come in by then.
    fn delivered(&self, last: usize) -> f64 {
        let all = self.sums[last];
        let all_are_in = self.due[last].max(self.expanded());
        let waits = self.bends.iter().map(|bend| {
            let missing = all - self.arrived_before(last, *bend);
            if missing > 0.0 {
                bend + missing / self.rate
            } else {
                0.0
            }
        });
        waits.fold(all_are_in.max(all / self.rate), f64::max)
    }

    /// How many pushes of a batch are not delivered when they expire.
    fn late(&self, at: usize, batch: &Batch) -> u64 {
        let expiry = seconds(batch.expires_at - self.begins_at);
        let earlier = at
            .checked_sub(1)
            .map_or(0.0, |before| self.departed(before, expiry));
        let in_time = (self.departed(at, expiry) - earlier).max(0.0);
        // A push that is nearly delivered is.
        batch.pushes.saturating_sub((in_time + 0.5) as u64)
    }

    /// How many pushes of the batches up to `last` are delivered by `at`.
    fn departed(&self, last: usize, at: f64) -> f64 {
        let bends = self.bends.iter().copied().filter(|bend| *bend < at);
        let could = bends.map(|bend| self.arrived_before(last, bend) + self.rate * (at - bend));
        could.fold(self.arrived_before(last, at).min(self.rate * at), f64::min)
    }

    /// How many pushes of the batches up to `last` could be delivered right before `at`.
    fn arrived_before(&self, last: usize, at: f64) -> f64 {
        let due = self.due.partition_point(|due| *due < at).min(last + 1);
        let due = due.checked_sub(1).map_or(0.0, |due| self.sums[due]);
        due * self.made_at(at)
    }

    /// The part of all that is left that is made by `at`.
    fn made_at(&self, at: f64) -> f64 {
        let next = self.made.partition_point(|(bend, _)| *bend < at);
        match (
            next.checked_sub(1).map(|before| self.made[before]),
            self.made.get(next),
        ) {
            (Some((from, before)), Some((until, after))) => {
                before + (after - before) * (at - from) / (until - from)
            }
            (Some((_, part)), None) | (None, Some(&(_, part))) => part,
            (None, None) => 1.0,
        }
    }

    /// In whole milliseconds: a forecast knows no better.
    fn instant(&self, at: f64) -> DateTime<Utc> {
        TimeDelta::try_milliseconds((at * 1e3).round() as i64)
            .and_then(|after| self.begins_at.checked_add_signed(after))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// Where the curve of made pushes bends: with every step of the ramp, until the store itself is
/// the slower one. The ramp goes on by writes and not by time, so from then on that is so for good.
fn made(work: &Work, speed: Speed, left: f64) -> Vec<(f64, f64)> {
    let writes = work.writes as f64;
    if work.writes == 0 {
        return vec![(0.0, 1.0)];
    }
    // Some are made and never delivered: those whose local time is past.
    let part_to_make = if left > 0.0 {
        (work.unexpanded as f64 / left).min(1.0)
    } else {
        0.0
    };
    let part = |written: f64| 1.0 - part_to_make * (1.0 - written / writes);
    let (mut at, mut written, mut on_ramp) = (0.0, 0.0, speed.ramp.unwrap_or(Duration::MAX));
    let mut bends = vec![(at, part(written))];
    loop {
        let (rate, lasts) = ramp::step(on_ramp);
        let held_back = rate < speed.writes;
        let (rate, lasts) = if held_back {
            (rate, lasts.as_secs_f64())
        } else {
            (speed.writes, f64::INFINITY)
        };
        if writes - written <= rate * lasts {
            bends.push((at + (writes - written) / rate, 1.0));
            return bends;
        }
        at += lasts;
        written += rate * lasts;
        on_ramp += Duration::from_secs_f64(lasts);
        bends.push((at, part(written)));
    }
}

/// Seconds until then; what is past is now.
fn seconds(span: TimeDelta) -> f64 {
    span.to_std().unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests;
