//! One pass: stripes are leased, chunks started as the limit allows, marks written.
//!
//! Everything that waits for a store is a step in a task of its own; this loop begins steps and
//! takes what became of them, and never waits for one alone. When the pass is to end, nothing
//! starts any more, what is under way comes to its end, and every stripe is given back.

use std::collections::BTreeSet;
use std::time::Duration;

use campaign::CampaignId;
use database::Change;
use database::chunk_tally::ChunkTally;
use database::fan_out_stripe::{self, Supply};
use runtime::Backends;
use runtime::clock::Moment;
use runtime::guard::Rests;
use tokio::task::JoinSet;
use tracing::info;

use super::Report;
use super::expand::{self, Attempt};
use super::gate::{self, Admission, Gate};
use super::hand::{Hand, Key};
use super::lease::{self, Leased};
use super::stripe::{Again, Ending};
use super::watch::{POLL, Watch};
use super::{pace, save};
use crate::error::Error;
use crate::turns::pass_over;

/// How long a pass starts chunks: then it has its line in the log, and the next one begins.
const PASS: Duration = Duration::from_secs(30);

/// What became of a step.
#[derive(Debug)]
enum Step {
    Watched(Moment, Result<Vec<(CampaignId, Supply)>, Error>),
    Leased(CampaignId, Result<Leased, Error>),
    Admitted(Result<Admission, Error>),
    Expanded(Key, u32, Moment, Attempt),
    Saved(Key, Ending, Result<Change, Error>),
}

struct Pass<'a> {
    backends: &'a Backends,
    begun_at: Moment,
    steps: JoinSet<Step>,
    watch: Watch,
    gate: Gate,
    /// Places at which the load guard has a rest made.
    rests: Rests,
    hand: Hand,
    is_leasing: bool,
    /// Campaigns whose rows cannot be used.
    unusable: BTreeSet<CampaignId>,
    report: Report,
    ended: Result<(), Error>,
}

/// Expands what is to be had, and says what was done.
pub(super) async fn run(backends: &Backends) -> Result<Report, Error> {
    let mut pass = Pass {
        backends,
        begun_at: backends.process.clock.monotonic(),
        steps: JoinSet::new(),
        watch: Watch::default(),
        gate: Gate::of(backends),
        rests: Rests::default(),
        hand: Hand::default(),
        is_leasing: false,
        unusable: BTreeSet::new(),
        report: Report::default(),
        ended: Ok(()),
    };
    pass.go().await;
    pass.ended.map(|()| pass.report)
}

impl Pass<'_> {
    async fn go(&mut self) {
        let process = &self.backends.process;
        loop {
            self.begin();
            if self.steps.is_empty() && self.hand.is_empty() && !self.is_held() {
                return;
            }
            let opens = self.gate.opens_in(process.clock.now());
            let rested = self
                .rests
                .soonest(self.backends.guard.share(), process.clock.monotonic());
            let nap = opens.into_iter().chain(rested).fold(POLL, Duration::min);
            tokio::select! {
                Some(step) = self.steps.join_next() => match step {
                    Ok(step) => self.take(step),
                    Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
                },
                () = self.backends.nudges.fan_out.nudged(), if !self.is_ending() => self.watch.hurry(),
                () = process.clock.sleep(nap) => {}
            }
        }
    }

    fn is_ending(&self) -> bool {
        self.report.left || self.ended.is_err() || self.backends.process.stop.is_requested()
    }

    /// Whether there is something to begin that the load guard holds.
    fn is_held(&self) -> bool {
        let mut free = self.watch.free().filter(|id| !self.unusable.contains(id));
        self.backends.guard.share() <= 0.0 && free.next().is_some() && !self.is_ending()
    }

    /// Begins every step whose time has come.
    fn begin(&mut self) {
        let now = self.backends.process.clock.monotonic();
        self.report.left |= now.since(self.begun_at) >= PASS;
        if self.is_ending() {
            self.hand.close_all();
        } else {
            self.begin_watch(now);
            if self.watch.holds(now) && self.backends.guard.share() > 0.0 {
                self.begin_lease();
                self.begin_chunks(now);
            }
        }
        self.begin_saves(now);
    }

    fn begin_watch(&mut self, now: Moment) {
        if self.watch.is_due(now) {
            self.watch.ask();
            let backends = self.backends.clone();
            self.steps.spawn(async move {
                let wall = backends.process.clock.now();
                let running = fan_out_stripe::list_running(&backends.db, wall).await;
                Step::Watched(now, running.map_err(Error::from))
            });
        }
    }

    fn begin_lease(&mut self) {
        let limit = self.backends.expansion_limit.get();
        let free = self.watch.free().filter(|id| !self.unusable.contains(id));
        let wanted = self.hand.wants(free, limit).filter(|_| !self.is_leasing);
        if let Some(campaign) = wanted {
            self.is_leasing = true;
            let (backends, target) = (self.backends.clone(), self.hand.target(campaign));
            self.steps.spawn(async move {
                Step::Leased(campaign, lease::lease(&backends, campaign, target).await)
            });
        }
    }

    fn begin_chunks(&mut self, now: Moment) {
        let wall = self.backends.process.clock.now();
        let resting = self.rests.count(self.backends.guard.share(), now);
        while self.hand.under_way() + resting < self.backends.expansion_limit.get()
            && let Some(turn) = self.hand.turn()
            && self.gate.admits(turn.target.mutations, wall)
            && let Some(no) = self.hand.start(&turn)
        {
            let (backends, target, stripe) = (self.backends.clone(), turn.target, turn.stripe);
            self.steps.spawn(async move {
                Step::Expanded(stripe, no, now, expand::expand(backends, target, no).await)
            });
        }
        if let Some((store, missing)) = self.gate.ask(self.hand.mutations()) {
            let backends = self.backends.clone();
            self.steps
                .spawn(async move { Step::Admitted(gate::admit(&backends, &store, missing).await) });
        }
    }

    fn begin_saves(&mut self, now: Moment) {
        let keep_after = self.backends.process.config.fan_out.lease / 4;
        for (key, stripe) in self.hand.stripes_mut() {
            if let Some(ending) = stripe.due(keep_after, now) {
                let (lease, low_water) = (stripe.lease, stripe.low_water());
                let tallies = stripe.begin_save(now);
                let backends = self.backends.clone();
                self.steps.spawn(async move {
                    let saved = save::save(&backends, lease, ending, low_water, tallies).await;
                    Step::Saved(key, ending, saved)
                });
            }
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Watched(asked_at, running) => self.watched(asked_at, running),
            Step::Leased(campaign, leased) => self.leased(campaign, leased),
            Step::Admitted(admitted) => {
                let admitted = self.or_end(admitted);
                self.gate.answer(admitted);
            }
            Step::Expanded(stripe, no, begun, attempt) => {
                let now = self.backends.process.clock.monotonic();
                self.rests.begin(now.since(begun), now);
                self.attempted(stripe, no, attempt);
            }
            Step::Saved(stripe, ending, saved) => self.saved(stripe, ending, saved),
        }
    }

    fn watched(&mut self, asked_at: Moment, running: Result<Vec<(CampaignId, Supply)>, Error>) {
        match self.or_end(running) {
            Some(running) => self.watch.answer(asked_at, &running),
            None => self.watch.give_up(),
        }
        self.hand.close_unless(|campaign| self.watch.runs(campaign));
    }

    fn leased(&mut self, campaign: CampaignId, leased: Result<Leased, Error>) {
        self.is_leasing = false;
        match leased {
            Ok(Some((target, stripe))) => self.hand.take_in(target, stripe),
            Ok(None) => self.watch.is_used_up(campaign),
            Err(error) => self.pass_over(campaign, error),
        }
    }

    fn attempted(&mut self, key: Key, no: u32, attempt: Attempt) {
        if let Some(felt) = attempt.felt {
            pace::learn(&self.backends.expansion_limit, felt, self.hand.under_way());
        }
        match attempt.result {
            Ok(Some(tally)) => self.expanded(key, tally),
            Ok(None) => {
                self.put_back(key, no);
                self.hand.close(key.0);
            }
            Err(error) => {
                let again = self.put_back(key, no);
                if !(error.is_passing() && again == Again::Yes) {
                    self.pass_over(key.0, error);
                }
            }
        }
    }

    fn expanded(&mut self, key: Key, tally: ChunkTally) {
        self.report.chunks += 1;
        self.report.pushes += tally.tally.total();
        if let Some(stripe) = self.hand.stripe_mut(key) {
            stripe.expanded(tally);
        }
        self.backends.nudges.dispatch.nudge();
    }

    fn put_back(&mut self, key: Key, no: u32) -> Again {
        let stripe = self.hand.stripe_mut(key);
        stripe.map_or(Again::No, |stripe| stripe.put_back(no))
    }

    fn saved(&mut self, key: Key, ending: Ending, saved: Result<Change, Error>) {
        let change = self.or_end(saved);
        match ending {
            Ending::Finish | Ending::GiveBack => self.hand.let_go(key),
            Ending::Keep => {
                if let Some(stripe) = self.hand.stripe_mut(key) {
                    stripe.end_save();
                    if change == Some(Change::Stale) {
                        info!(campaign.id = %key.0, stripe.no = key.1, "a stripe was lost to another process");
                        stripe.close();
                    }
                }
            }
        }
    }

    /// What is wrong with a campaign's own rows ends its part of the pass; anything else, all.
    fn pass_over(&mut self, campaign: CampaignId, error: Error) {
        if self.or_end(pass_over(campaign, Err(error))).is_some() {
            self.unusable.insert(campaign);
            self.hand.close(campaign);
        }
    }

    /// The first error ends the pass and is its own.
    fn or_end<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.ended = std::mem::replace(&mut self.ended, Ok(())).and(Err(error));
                None
            }
        }
    }
}
