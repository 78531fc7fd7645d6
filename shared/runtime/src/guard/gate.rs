//! A gate before units of work that run in a number of places.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::{Guard, Rests};
use crate::clock::{Clock, Moment};

/// Lets units of work begin as the [`Guard`] allows. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate {
    guard: Guard,
    clock: Clock,
    places: usize,
    inside: Arc<Inside>,
}

/// Leave to do one unit of work. Its place rests when it is dropped.
#[derive(Debug)]
pub struct Turn {
    gate: Gate,
    begun: Moment,
}

#[derive(Debug, Default)]
struct Inside {
    places: Mutex<Places>,
    left: Notify,
}

#[derive(Debug, Default)]
struct Places {
    taken: usize,
    rests: Rests,
}

impl Gate {
    /// A gate before so many places. They bound what is under way only while the guard slows us
    /// down.
    pub fn new(guard: Guard, clock: Clock, places: usize) -> Self {
        Self {
            guard,
            clock,
            places,
            inside: Arc::default(),
        }
    }

    /// Waits until a unit of work may begin, as long as it takes. Whoever waits no longer drops
    /// the wait.
    pub async fn enter(&self) -> Turn {
        let mut changes = self.guard.changes();
        loop {
            let mut left = pin!(self.inside.left.notified());
            // From here on, nobody leaves unheard.
            left.as_mut().enable();
            let rested = match self.try_enter() {
                Ok(turn) => return turn,
                Err(rested) => rested,
            };
            let rested = async {
                match rested {
                    Some(rested) => self.clock.sleep(rested).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = left => {}
                // Its sender lives in the guard.
                _ = changes.changed() => {}
                () = rested => {}
            }
        }
    }

    /// Enters, or says when a place has rested, if one will.
    fn try_enter(&self) -> Result<Turn, Option<Duration>> {
        let (share, now) = (self.guard.share(), self.clock.monotonic());
        let mut places = self.inside.lock();
        let busy = places.rests.count(share, now) + places.taken;
        if share < 1.0 && (share <= 0.0 || busy >= self.places) {
            return Err(places.rests.soonest(share, now));
        }
        places.taken += 1;
        Ok(Turn {
            gate: self.clone(),
            begun: now,
        })
    }
}

impl Inside {
    fn lock(&self) -> MutexGuard<'_, Places> {
        // Nothing in there can panic half-way.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let now = self.gate.clock.monotonic();
        let mut places = self.gate.inside.lock();
        places.taken -= 1;
        places.rests.begin(now.since(self.begun), now);
        drop(places);
        self.gate.inside.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::poll;
    use pacing::guard::{Cause, Verdict};

    use super::*;
    use crate::clock::ManualClock;
    use crate::guard::Status;

    fn gate(places: usize) -> (Gate, Guard, ManualClock) {
        let (guard, hand) = (
            Guard::default(),
            ManualClock::at("2026-07-01T12:00:00Z".parse().unwrap()),
        );
        (Gate::new(guard.clone(), hand.clock(), places), guard, hand)
    }

    fn set(guard: &Guard, share: f64) {
        let cause = (share < 1.0).then_some(Cause::ReplicaLag);
        guard.publish(Status {
            verdict: Verdict { share, cause },
            ..Status::default()
        });
    }

    #[tokio::test]
    async fn nothing_begins_while_everything_is_held() {
        let (gate, guard, _hand) = gate(2);
        set(&guard, 0.0);

        let mut entering = pin!(gate.enter());
        let while_held = poll!(entering.as_mut()).is_ready();
        set(&guard, 0.05);
        let _turn = entering.await;

        assert!(!while_held);
    }

    #[tokio::test]
    async fn a_place_rests_after_its_work() {
        let (gate, guard, hand) = gate(1);
        set(&guard, 0.5);
        let turn = gate.enter().await;
        hand.advance(Duration::from_secs(3));

        let mut next = pin!(gate.enter());
        let beside = poll!(next.as_mut()).is_ready();
        drop(turn);
        let right_after = poll!(next.as_mut()).is_ready();
        hand.advance(Duration::from_secs(3));
        let _turn = next.await;

        assert_eq!((beside, right_after), (false, false));
    }

    #[tokio::test]
    async fn without_need_there_is_no_bound() {
        let (gate, _guard, _hand) = gate(1);

        let turns = [gate.enter().await, gate.enter().await];

        drop(turns);
        gate.enter().await;
    }
}
