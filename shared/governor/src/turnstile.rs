//! A turnstile: lets one message after the other through, as fast as the process's share allows.
//!
//! Those who wait stand in a line for each lane, of which only the first looks at the share. The
//! bulk lane's first waits as long as anybody waits in the fast lane. Whoever waits no longer just
//! drops the wait.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use campaign::Lane;
use pacing::quota::{Answers, Claim, Demand, Division, Share, Throttled, Wait};
use runtime::Clock;
use runtime::clock::Moment;
use tokio::sync::{Mutex as Line, Notify};

/// Whoever went away before it was let through is reckoned with for so long: a chunk that is given
/// back is soon there again.
const COMES_AGAIN: Duration = Duration::from_secs(60);

/// What a turnstile keeps, in messages a minute of all processes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// A gateway's quota: no minute may have more.
    Quota(u64),
    /// A campaign's pace, as people want it.
    Pace(u64),
}

/// Lets messages through. Everybody of a process who keeps the same limit shares it.
#[derive(Debug)]
pub struct Turnstile {
    pub(super) name: String,
    limit: Limit,
    clock: Clock,
    made_at: Moment,
    inside: Mutex<Inside>,
    fast: Line<()>,
    bulk: Line<()>,
    /// The share is another one, or nobody waits in the fast lane any more.
    changed: Notify,
    asked_for: Arc<Notify>,
}

#[derive(Debug)]
struct Inside {
    share: Share,
    fast: Crowd,
    bulk: Crowd,
    answers: Answers,
    /// The demand that was told with the last question, and when that was.
    told: Demand,
    asked_at: Moment,
    used_at: Moment,
}

/// Messages of a lane.
#[derive(Clone, Copy, Debug, Default)]
struct Crowd {
    waiting: u64,
    /// Let through since the last question.
    passed: u64,
    /// When the last one went away that was not let through.
    went_at: Option<Moment>,
}

/// What a question is begun with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub(super) claim: Claim,
    /// Where the gateway says that it gets too much.
    pub(super) throttled: Option<Throttled>,
}

impl Limit {
    pub(super) fn per_minute(self) -> u64 {
        match self {
            Self::Quota(per_minute) | Self::Pace(per_minute) => per_minute,
        }
    }
}

impl Turnstile {
    /// One without a share. It asks for one by `asked_for`.
    pub(super) fn new(name: String, limit: Limit, clock: Clock, asked_for: Arc<Notify>) -> Self {
        let now = clock.monotonic();
        Self {
            name,
            limit,
            clock,
            made_at: now,
            inside: Mutex::new(Inside {
                share: Share::default(),
                fast: Crowd::default(),
                bulk: Crowd::default(),
                answers: Answers::default(),
                told: Demand::default(),
                asked_at: now,
                used_at: now,
            }),
            fast: Line::default(),
            bulk: Line::default(),
            changed: Notify::default(),
            asked_for,
        }
    }

    pub(super) fn limit(&self) -> Limit {
        self.limit
    }

    /// Waits until one more message of the lane may go, as long as it takes.
    pub async fn pass(&self, lane: Lane) {
        let mut waiting = Waiting::new(self, lane);
        let line = match lane {
            Lane::Fast => &self.fast,
            Lane::Bulk => &self.bulk,
        };
        let _first = line.lock().await;
        loop {
            let mut changed = pin!(self.changed.notified());
            // From here on, no change goes unheard.
            changed.as_mut().enable();
            match self.try_pass(lane) {
                Ok(()) => {
                    waiting.is_through = true;
                    return;
                }
                Err(Some(wait)) => tokio::select! {
                    () = self.clock.sleep(wait) => {}
                    () = changed => {}
                },
                Err(None) => changed.await,
            }
        }
    }

    /// Lets one more message of the lane through now, or says how long that takes, if time alone
    /// will do.
    pub fn try_pass(&self, lane: Lane) -> Result<(), Option<Duration>> {
        let now = self.elapsed();
        let mut inside = self.lock();
        if lane == Lane::Bulk && inside.fast.waiting > 0 {
            return Err(None);
        }
        let taken = inside.share.take(now);
        let needs_more = inside.has_grown();
        match taken {
            Ok(()) => {
                inside.crowd(lane).passed += 1;
                inside.used_at = self.clock.monotonic();
                Ok(())
            }
            Err(Wait::For(wait)) => {
                if needs_more {
                    self.asked_for.notify_one();
                }
                Err(Some(wait))
            }
            Err(Wait::Share) => {
                self.asked_for.notify_one();
                Err(None)
            }
        }
    }

    /// Takes note of what the gateway answered: `later` is for how long it wants nothing, if it
    /// does.
    pub(super) fn note(&self, later: Option<Duration>) {
        let mut inside = self.lock();
        match later {
            None => inside.answers.note(),
            Some(after) => inside.answers.note_later(after),
        }
        if later.is_some() && inside.answers.are_bad() {
            self.asked_for.notify_one();
        }
    }

    /// Begins a question.
    pub(super) fn ask(&self) -> Question {
        let (elapsed, now) = (self.elapsed(), self.clock.monotonic());
        let mut inside = self.lock();
        let since = now.since(inside.asked_at);
        let demand = Demand {
            fast: inside.fast.demand(since, now),
            bulk: inside.bulk.demand(since, now),
        };
        inside.told = demand;
        inside.asked_at = now;
        (inside.fast.passed, inside.bulk.passed) = (0, 0);
        Question {
            claim: Claim {
                held: inside.share.ask(elapsed),
                demand,
            },
            throttled: inside.answers.judge(),
        }
    }

    /// Takes the answer to the question that began at `asked_at`, and says what the share is now.
    pub(super) fn answer(&self, division: Division, asked_at: Moment) -> u64 {
        let now = self.elapsed();
        let mut inside = self.lock();
        inside.share.answer(division, asked_at.since(self.made_at), now);
        let per_minute = inside.share.per_minute(now);
        drop(inside);
        self.changed.notify_waiters();
        per_minute
    }

    /// Since when nobody has passed; `None` while somebody waits.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        let inside = self.lock();
        let is_idle = inside.fast.waiting + inside.bulk.waiting == 0;
        is_idle.then(|| self.clock.monotonic().since(inside.used_at))
    }

    fn elapsed(&self) -> Duration {
        self.clock.monotonic().since(self.made_at)
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // Nothing in there can panic half-way.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn crowd(&mut self, lane: Lane) -> &mut Crowd {
        match lane {
            Lane::Fast => &mut self.fast,
            Lane::Bulk => &mut self.bulk,
        }
    }

    /// Whether those who wait alone are twice the demand that was told.
    fn has_grown(&self) -> bool {
        let waiting = (self.fast.waiting + self.bulk.waiting) * 60;
        waiting > 2 * (self.told.fast + self.told.bulk)
    }
}

impl Crowd {
    /// Messages a minute: what passed since the last question, and whoever waits within a second; a
    /// quarter more, because it may grow. One whose attempt ended before its turn comes again, and
    /// must not find its share gone: of a very small quota, a message takes longer than an attempt.
    fn demand(self, since: Duration, now: Moment) -> u64 {
        let passed = self.passed as f64 / since.as_secs_f64().max(0.1);
        let comes_again = self.went_at.is_some_and(|at| now.since(at) < COMES_AGAIN);
        let waiting = self.waiting.max(u64::from(comes_again));
        ((passed + waiting as f64) * 60.0 * 1.25) as u64
    }
}

/// Counts as one who waits, until it is dropped.
struct Waiting<'a> {
    turnstile: &'a Turnstile,
    lane: Lane,
    is_through: bool,
}

impl<'a> Waiting<'a> {
    fn new(turnstile: &'a Turnstile, lane: Lane) -> Self {
        turnstile.lock().crowd(lane).waiting += 1;
        Self {
            turnstile,
            lane,
            is_through: false,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut inside = self.turnstile.lock();
        let now = self.turnstile.clock.monotonic();
        let crowd = inside.crowd(self.lane);
        crowd.waiting -= 1;
        if !self.is_through {
            crowd.went_at = Some(now);
        }
        let fast_is_empty = inside.fast.waiting == 0;
        drop(inside);
        if self.lane == Lane::Fast && fast_is_empty {
            self.turnstile.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests;
