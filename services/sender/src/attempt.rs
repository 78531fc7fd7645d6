//! One attempt at a chunk, under its lease.
//!
//! Sends and settling go on side by side: what the gateways have said is settled at least every
//! second, so that a process that dies leaves little that was accepted and is not known to be.

use std::time::Duration;

use campaign::{Backoff, LeaseToken, PushId, Reason, Retry, Standing};
use chrono::{DateTime, Utc};
use futures::stream::{FuturesUnordered, StreamExt};
use governor::Governor;
use push_store::{Afterwards, AttemptCount, Chunk, Error as StoreError};
use runtime::Backends;
use runtime::clock::Moment;
use tokio::sync::mpsc;
use tracing::warn;

use crate::answer::Sent;
use crate::campaigns::Campaign;
use crate::deliver::Delivered;
use crate::error::Error;
use crate::grants;
use crate::permit::Permits;
use crate::send::Handed;
use crate::sort::{self, Wanted};
use crate::totals::Totals;

/// Results wait at most this long to be settled.
const SETTLE_EVERY: Duration = Duration::from_secs(1);

/// Between two tries to settle while Datastore does not answer.
const SETTLE_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// How long pushes wait for a gateway that does not accept who we are, at most, before it is
/// looked at again.
const HOLD: Duration = Duration::from_secs(60);

/// An attempt at a chunk.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) backends: &'a Backends,
    pub(crate) permits: &'a Permits,
    pub(crate) governor: &'a Governor,
    pub(crate) campaign: &'a Campaign,
    pub(crate) chunk: &'a Chunk,
    pub(crate) token: LeaseToken,
    /// No send starts after this.
    pub(crate) until: Moment,
    pub(crate) lease_until: DateTime<Utc>,
}

/// Pushes that can be settled, and how.
type Part = Vec<(PushId, Standing)>;

/// What is left over, and when it is to be tried again.
#[derive(Clone, Copy, Debug)]
struct Left {
    at: DateTime<Utc>,
    count: AttemptCount,
}

impl Attempt<'_> {
    /// Does what can be done, gives the chunk back or closes it, and brings the totals up to
    /// date.
    pub(crate) async fn run(&self) -> Result<Delivered, StoreError> {
        let mut totals = Totals::since(self.now());
        let mut part = Part::new();
        let left = match self.work(&mut part, &mut totals).await {
            Ok(left) => left,
            Err(error) => {
                warn!(
                    campaign.id = %self.campaign.id,
                    chunk.no = self.chunk.no,
                    error = &error as &dyn std::error::Error,
                    "an attempt was cut short"
                );
                // Kept, the lease would be in everybody's way until it ends.
                self.give_back(&part, self.after(&error)).await?;
                return Ok(Delivered::GivenBack);
            }
        };
        fault_points::reach!(Accepted);
        let Some(chunk) = self.give_back(&part, left).await? else {
            return Ok(Delivered::Ended);
        };
        totals.record(self, &chunk).await;
        if chunk.is_settled() {
            return Ok(Delivered::Done);
        }
        fault_points::reach!(GivenBack);
        Ok(Delivered::GivenBack)
    }

    /// Grants and sends. Leaves in `part` what can be settled and is not yet, also where it fails;
    /// returns when what is left is to be tried again.
    async fn work(&self, part: &mut Part, totals: &mut Totals) -> Result<Left, Error> {
        let Backends {
            db,
            push_store,
            gateways,
            ..
        } = self.backends;
        let pushes = push_store.list_pushes(self.chunk.id).await?;
        let known = sort::ask(db, gateways, &pushes, self.now()).await?;
        let mut sorted = sort::sort(pushes, known, self.chunk.expires_at, self.now());
        let granted = match self.campaign.coupon {
            Some(coupon) => grants::grant(self, coupon, &mut sorted, totals).await,
            None => Ok(()),
        };
        let settled = sorted.settled.iter();
        part.extend(settled.map(|(push, reason)| (*push, Standing::Settled(*reason))));
        granted?;
        fault_points::reach!(BeforeSends);
        Ok(self.send_and_settle(&sorted.wanted, part, totals).await)
    }

    /// Hands every wanted push over, and settles what is known as it comes.
    async fn send_and_settle(&self, wanted: &[Wanted], part: &mut Part, totals: &mut Totals) -> Left {
        let (handed, results) = mpsc::unbounded_channel();
        // All of a chunk at once: how many are really in flight is for the gateway's pool.
        let mut sends = wanted
            .iter()
            .map(|wanted| self.hand_over(wanted))
            .collect::<FuturesUnordered<_>>();
        let sends = async move {
            while let Some(result) = sends.next().await {
                // The receiver outlives the sends: both are polled by the join below.
                drop(handed.send(result));
            }
        };
        let ((), left) = futures::join!(sends, self.settle_as_they_come(results, part, totals));
        left
    }

    /// Settles results while they come. Leaves those in `part` that are not settled yet when all
    /// have come, and returns when what is left is to be tried again.
    async fn settle_as_they_come(
        &self,
        mut results: mpsc::UnboundedReceiver<Handed>,
        part: &mut Part,
        totals: &mut Totals,
    ) -> Left {
        let mut left = self.at_once();
        loop {
            let over = tokio::select! {
                () = self.gather(&mut results, part, &mut left, totals) => true,
                () = self.backends.process.clock.sleep(SETTLE_EVERY) => false,
            };
            if over {
                return left;
            }
            if part.is_empty() {
                continue;
            }
            let settled = self
                .backends
                .push_store
                .settle(self.chunk.id, part, Afterwards::GoOn, self.now());
            match settled.await {
                Ok(_) => {
                    part.clear();
                    fault_points::reach!(PartSettled);
                }
                // They are kept and settled with the next part.
                Err(error) => {
                    warn!(
                        campaign.id = %self.campaign.id,
                        chunk.no = self.chunk.no,
                        error = &error as &dyn std::error::Error,
                        "results could not be settled yet"
                    );
                }
            }
        }
    }

    /// Takes results until all have come.
    async fn gather(
        &self,
        results: &mut mpsc::UnboundedReceiver<Handed>,
        part: &mut Part,
        left: &mut Left,
        totals: &mut Totals,
    ) {
        let chance = rand::random::<f64>();
        while let Some(Handed {
            push,
            sent,
            gone,
            wrong,
        }) = results.recv().await
        {
            totals.gone.extend(gone);
            totals.wrong.extend(wrong);
            match self.decide(sent, chance) {
                Ok(reason) => part.push((push, Standing::Settled(reason))),
                Err(later) => *left = left.or_later(later),
            }
        }
    }

    /// The push's final reason, or when it is to be tried again.
    fn decide(&self, sent: Sent, chance: f64) -> Result<Reason, Left> {
        match sent {
            Sent::Settled(reason) => Ok(reason),
            Sent::NotTried => Err(self.soon()),
            Sent::Held { after } => {
                let left = self.held(chance, after);
                if left.at < self.chunk.expires_at {
                    Err(left)
                } else {
                    Ok(Reason::CredentialRefused)
                }
            }
            Sent::Later { after, exhausted } => {
                let attempt = self.chunk.attempts.saturating_add(1);
                let retry = self
                    .backoff()
                    .after(attempt, chance, after, self.now(), self.chunk.expires_at);
                match retry {
                    Retry::At(at) => Err(Left {
                        at,
                        count: AttemptCount::Counted,
                    }),
                    Retry::PastExpiry => Ok(Reason::PastExpiry),
                    Retry::Exhausted => Ok(exhausted),
                }
            }
        }
    }

    /// Settles the last part and ends the attempt; again and again while Datastore does not
    /// answer and the lease lasts, because what is not settled would be sent again.
    /// `None` if there is no such chunk any more.
    async fn give_back(&self, part: &[(PushId, Standing)], left: Left) -> Result<Option<Chunk>, StoreError> {
        let afterwards = Afterwards::GiveBack {
            token: self.token,
            at: left.at,
            count: left.count,
        };
        loop {
            let settled = self
                .backends
                .push_store
                .settle(self.chunk.id, part, afterwards, self.now())
                .await;
            match settled {
                Err(error) if error.is_passing() && self.now() < self.lease_until => {
                    self.backends.process.clock.sleep(SETTLE_AGAIN_AFTER).await;
                }
                ended => return ended,
            }
        }
    }

    /// Whether its time is used up: nothing may be begun any more.
    pub(crate) fn is_over(&self) -> bool {
        self.backends.process.clock.monotonic() >= self.until
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.backends.process.clock.now()
    }

    /// When what is left of an attempt that has failed is tried again.
    fn after(&self, error: &Error) -> Left {
        match error {
            Error::Store(_) | Error::Sql(_) | Error::Rendezvous(_) | Error::Message(_) => self.soon(),
            Error::EverybodyRefused => self.late(),
        }
    }

    fn at_once(&self) -> Left {
        Left {
            at: self.now(),
            count: AttemptCount::NotCounted,
        }
    }

    /// After a short back-off, for what is not the gateway's doing.
    fn soon(&self) -> Left {
        Left {
            at: self.now() + self.backoff().wait(1, rand::random(), None),
            count: AttemptCount::NotCounted,
        }
    }

    /// After a while, for a gateway that does not accept who we are; no attempt is used up by it.
    fn held(&self, chance: f64, after: Option<Duration>) -> Left {
        let backoff = self.backoff();
        let hold = HOLD.min(backoff.cap);
        let wait = hold.mul_f64((1.0 + chance) / 2.0).max(after.unwrap_or_default());
        Left {
            at: self.now() + wait,
            count: AttemptCount::NotCounted,
        }
    }

    /// After a back-off as long as they become, for what a person has to mend.
    fn late(&self) -> Left {
        let backoff = self.backoff();
        let wait = backoff.wait(u32::MAX, rand::random(), Some(backoff.cap / 2));
        Left {
            at: self.now() + wait,
            count: AttemptCount::NotCounted,
        }
    }

    fn backoff(&self) -> Backoff {
        let settings = &self.backends.process.config.retry;
        Backoff {
            base: settings.base,
            cap: settings.cap,
            attempts: settings.attempts.get(),
        }
    }
}

impl Left {
    /// The chunk comes due when all of what is left may be tried again.
    fn or_later(self, other: Self) -> Self {
        let count = if other.count == AttemptCount::Counted {
            other.count
        } else {
            self.count
        };
        Self {
            at: self.at.max(other.at),
            count,
        }
    }
}
