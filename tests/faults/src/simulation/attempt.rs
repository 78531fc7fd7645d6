//! One attempt at a chunk, under its lease; after `services/sender/src/attempt.rs`.

use std::rc::Rc;
use std::time::Duration;

use campaign::{Backoff, LeaseToken, Mark, Reason, Retry, Standing, time_to_live};
use chrono::{DateTime, TimeDelta, Utc};

use super::datastore::{self, Chunk, Push};
use super::gateway::{self, Handed, Said};
use super::grants;
use super::ledger::Exposure;
use super::scheduler::{Millis, ProcessId};
use super::settings::SETTLE_EVERY;
use super::sql::{self, IntentNo};
use super::totals;
use super::transaction;
use super::world::{Fault, Permit, World, millis};
use crate::seeded::Bug;

/// An attempt at a chunk, under its lease.
pub(super) struct Attempt {
    pub(super) world: Rc<World>,
    pub(super) process: ProcessId,
    /// As it was leased.
    pub(super) chunk: Chunk,
    pub(super) token: LeaseToken,
    /// No send starts after this.
    pub(super) until: Millis,
    pub(super) lease_until: DateTime<Utc>,
}

/// A push to be sent, and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) place: u16,
    pub(super) user: usize,
    pub(super) standing: Standing,
}

/// What is left over, and when it is to be tried again.
#[derive(Clone, Copy, Debug)]
struct Left {
    at: DateTime<Utc>,
    is_counted: bool,
}

type Results = Vec<(u16, Standing)>;

impl Attempt {
    /// Does what can be done, and gives the chunk back or closes it.
    pub(super) async fn run(&self) -> Result<(), Fault> {
        let mut exposure = Exposure::new(&self.world, self.chunk.no);
        let mut close = None;
        match self.work(&mut exposure, &mut close).await {
            Ok(chunk) => {
                totals::record(self, &chunk, close).await;
                Ok(())
            }
            Err(_) => {
                self.world
                    .note(self.process, "is cut short at chunk", self.chunk.no.into());
                exposure.expose();
                self.give_back(&Vec::new(), self.soon(), &mut exposure).await?;
                Ok(())
            }
        }
    }

    async fn work(&self, exposure: &mut Exposure, close: &mut Option<IntentNo>) -> Result<Chunk, Fault> {
        let (world, process) = (&self.world, self.process);
        let no = self.chunk.no;
        let pushes = datastore::read(world, process, |datastore| {
            datastore
                .find(no)
                .map_or_else(Vec::new, |chunk| chunk.pushes.clone())
        });
        let pushes = pushes.await?;
        let (mut wanted, mut settled) = self.sort(&pushes).await?;
        if world.settings.stock.is_some() {
            let refused = grants::grant(self, &wanted, close).await?;
            wanted.retain(|wanted| !refused.iter().any(|(place, _)| *place == wanted.place));
            settled.extend(refused);
        }
        self.send_and_settle(wanted, settled, exposure).await
    }

    /// Sorts what is not final: whom to send to, and who is settled without.
    async fn sort(&self, pushes: &[Push]) -> Result<(Vec<Wanted>, Results), Fault> {
        let known = sql::read(&self.world, self.process, |sql| {
            (sql.opted_out.clone(), sql.erased.clone())
        });
        let (opted_out, erased) = known.await?;
        let now = self.now();
        let (mut wanted, mut settled) = (Vec::new(), Vec::new());
        for (place, push) in (0_u16..).zip(pushes) {
            let Push { user, standing, .. } = *push;
            let reason = if standing.state().is_final() {
                continue;
            } else if push.is_erased || erased.contains(&user) {
                Reason::Erased
            } else if opted_out.contains(&user) {
                Reason::OptedOut
            } else if now >= self.chunk.expires_at {
                Reason::PastExpiry
            } else {
                wanted.push(Wanted {
                    place,
                    user,
                    standing,
                });
                continue;
            };
            settled.push((place, Standing::Settled(reason)));
        }
        Ok((wanted, settled))
    }

    /// Hands every wanted push over at once, settles what is known as it comes, and gives the
    /// chunk back.
    async fn send_and_settle(
        &self,
        wanted: Vec<Wanted>,
        mut part: Results,
        exposure: &mut Exposure,
    ) -> Result<Chunk, Fault> {
        let world = &self.world;
        let mut left = Left {
            at: self.now(),
            is_counted: false,
        };
        world.point(self.process).await;
        if world.has(Bug::AnswerBeforeSettle) {
            self.answer_first().await?;
        }
        let mut handed = wanted
            .iter()
            .map(|wanted| self.hand_over(*wanted, exposure))
            .collect::<Vec<_>>();
        handed.sort_by_key(|handed| handed.at);
        let mut settled_at = world.now();
        for Handed {
            place,
            user,
            at,
            said,
        } in handed
        {
            while at > settled_at + SETTLE_EVERY {
                let until = settled_at + SETTLE_EVERY;
                world.scheduler.sleep(until.saturating_sub(world.now())).await;
                self.settle_part(&mut part, exposure).await;
                settled_at = world.now();
            }
            world.scheduler.sleep(at.saturating_sub(world.now())).await;
            if said == Said::Nothing {
                exposure.lose(user);
            }
            match self.decide(said) {
                Ok(reason) => part.push((place, Standing::Settled(reason))),
                Err(later) => left = left.or_later(later),
            }
        }
        self.give_back(&part, left, exposure).await
    }

    fn hand_over(&self, wanted: Wanted, exposure: &mut Exposure) -> Handed {
        let world = &self.world;
        let may_send = world.now() < self.until && world.permit(self.process) == Permit::Go;
        let now_said = |said| Handed {
            place: wanted.place,
            user: wanted.user,
            at: world.now(),
            said,
        };
        if time_to_live(None, self.chunk.expires_at, self.now()).is_none() {
            return now_said(Said::TooLate);
        }
        if !may_send {
            return now_said(Said::NotTried);
        }
        exposure.add(wanted.user);
        gateway::send(world, self.process, wanted, millis(self.chunk.send_time))
    }

    /// The push's final reason, or when it is to be tried again.
    fn decide(&self, said: Said) -> Result<Reason, Left> {
        let exhausted = match said {
            Said::Accepted => return Ok(Reason::Accepted),
            Said::Gone => return Ok(Reason::Unregistered),
            Said::TooLate => return Ok(Reason::PastExpiry),
            Said::NotTried => return Err(self.soon()),
            Said::Throttled => Reason::GatewayThrottled,
            Said::Nothing => Reason::GatewayUnreachable,
        };
        let attempt = self.chunk.attempts.saturating_add(1);
        let chance = self.world.scheduler.fraction();
        let retry = self
            .backoff()
            .after(attempt, chance, None, self.now(), self.chunk.expires_at);
        match retry {
            Retry::At(at) => Err(Left { at, is_counted: true }),
            Retry::PastExpiry => Ok(Reason::PastExpiry),
            Retry::Exhausted => Ok(exhausted),
        }
    }

    async fn settle_part(&self, part: &mut Results, exposure: &mut Exposure) {
        if part.is_empty() {
            return;
        }
        let settle = |chunk: &mut Chunk| raise_all(chunk, part, &self.world);
        match transaction::change(&self.world, self.process, self.chunk.no, settle).await {
            Ok(_) => part.clear(),
            // They are kept and settled with the next part.
            Err(_) => exposure.expose(),
        }
    }

    /// Settles the last part and ends the attempt; again and again while Datastore does not
    /// answer and the lease lasts.
    async fn give_back(&self, part: &Results, left: Left, exposure: &mut Exposure) -> Result<Chunk, Fault> {
        loop {
            let given = transaction::change(&self.world, self.process, self.chunk.no, |chunk| {
                raise_all(chunk, part, &self.world);
                self.end(chunk, left);
                chunk.clone()
            });
            match given.await {
                Ok(Some(chunk)) => return Ok(chunk),
                Ok(None) => return Ok(self.chunk.clone()),
                Err(_) if self.now() < self.lease_until => {
                    exposure.expose();
                    self.world.scheduler.sleep(200).await;
                }
                Err(fault) => return Err(fault),
            }
        }
    }

    fn end(&self, chunk: &mut Chunk, left: Left) {
        let token = match chunk.record.lease {
            Some(lease) if self.world.has(Bug::LeaseWithoutToken) => lease.token,
            _ => self.token,
        };
        if chunk.is_settled() {
            // Stale is no fault: who took over, or cancelled, ends the chunk.
            let _: Mark = chunk.record.close(token);
        } else if chunk.record.rearm(token, left.at) == Mark::Applied && left.is_counted {
            chunk.attempts = chunk.attempts.saturating_add(1);
        }
    }

    /// A seeded bug: the chunk is done before anything of it is.
    async fn answer_first(&self) -> Result<(), Fault> {
        let close = |chunk: &mut Chunk| chunk.record.close(self.token);
        transaction::change(&self.world, self.process, self.chunk.no, close).await?;
        Ok(())
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.world.clock(self.process)
    }

    /// After a short back-off, for what is not the gateway's doing.
    fn soon(&self) -> Left {
        let wait = self.backoff().wait(1, self.world.scheduler.fraction(), None);
        Left {
            at: self.now() + TimeDelta::from_std(wait).unwrap_or_default(),
            is_counted: false,
        }
    }

    fn backoff(&self) -> Backoff {
        Backoff {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(20),
            attempts: self.world.settings.attempts,
        }
    }
}

impl Left {
    /// The chunk comes due when all of what is left may be tried again.
    fn or_later(self, other: Self) -> Self {
        Self {
            at: self.at.max(other.at),
            is_counted: self.is_counted || other.is_counted,
        }
    }
}

fn raise_all(chunk: &mut Chunk, part: &Results, world: &World) {
    for (place, standing) in part {
        chunk.raise(*place, *standing, world);
    }
}
