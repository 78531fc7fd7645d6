//! The dispatcher of one queue: starts what is due, as its limits allow.
//!
//! It sleeps until the soonest task is due or the next token drops into the bucket, whichever
//! holds it up, and wakes earlier for an event. Attempts run beside it; a slow one holds
//! nothing up but its own place among the concurrent ones.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use gcloud_sdk::google::cloud::tasks::v2::{self, queue};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::outcome::{Outcome, outcome};
use super::records::Records;
use super::window::Window;
use super::{Environment, Event};
use crate::tasks::attempt::{Answer, attempt};
use crate::tasks::proto_time::from_micros;
use crate::tasks::store::{Entry, Key, Page, StoreError};
use crate::token_bucket::Bucket;

/// How long to wait before the store is asked again after it failed.
const STORE_PAUSE: TimeDelta = TimeDelta::seconds(1);
/// How many events are taken before it is looked again at what may start.
const EVENTS: usize = 256;

pub(super) struct Dispatcher {
    environment: Environment,
    definition: watch::Receiver<Arc<v2::Queue>>,
    events: mpsc::UnboundedReceiver<Event>,
    own_events: mpsc::UnboundedSender<Event>,
    closed: CancellationToken,
    records: Records,
    window: Window,
    bucket: Bucket,
    /// Attempts that hold one of the concurrent places.
    running: usize,
    /// Tasks from the start of an attempt until its result is stored.
    in_flight: HashSet<i64>,
    loading: bool,
    load_again_at: Option<DateTime<Utc>>,
}

impl Dispatcher {
    pub(super) fn new(
        queue: i64,
        environment: Environment,
        definition: watch::Receiver<Arc<v2::Queue>>,
        (own_events, events): (mpsc::UnboundedSender<Event>, mpsc::UnboundedReceiver<Event>),
        closed: CancellationToken,
    ) -> Self {
        let config = &environment.config;
        let (rate, burst) = pace(&definition.borrow());
        Self {
            records: Records::new(queue, environment.store.clone(), own_events.clone()),
            window: Window::new(config.window_tasks),
            bucket: Bucket::new(rate, burst, config.clock.now()),
            environment,
            definition,
            events,
            own_events,
            closed,
            running: 0,
            in_flight: HashSet::new(),
            loading: false,
            load_again_at: None,
        }
    }

    /// Runs until the queue is deleted, or the server stops and no attempt is under way.
    pub(super) async fn run(mut self) {
        let clock = self.environment.config.clock.clone();
        let (stop, abort) = (self.environment.stop.clone(), self.environment.abort.clone());
        let mut events = Vec::with_capacity(EVENTS);
        while !(stop.is_cancelled() && self.running == 0) {
            let wake_at = if stop.is_cancelled() { None } else { self.look() };
            let alarm = async {
                match wake_at {
                    Some(at) => clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.closed.cancelled() => return,
                () = abort.cancelled() => return,
                () = stop.cancelled(), if !stop.is_cancelled() => {}
                _ = self.events.recv_many(&mut events, EVENTS) => {
                    events.drain(..).for_each(|event| self.apply(event));
                }
                Ok(()) = self.definition.changed() => self.adjust(),
                () = alarm => {}
            }
        }
    }

    /// Loads and starts what is to be; says when to look again, if that is a matter of time.
    fn look(&mut self) -> Option<DateTime<Utc>> {
        self.load();
        let next_start = self.start_due();
        next_start.into_iter().chain(self.load_again_at).min()
    }

    /// Starts all that may start now; says when the next one may, if that is a matter of time.
    fn start_due(&mut self) -> Option<DateTime<Utc>> {
        // Asked anew for each task: what a pause has answered must hold from the next one on.
        while self.may_start() {
            let now = self.now();
            let due_at = from_micros(self.window.next_due()?);
            if due_at > now {
                return Some(due_at);
            }
            if let Err(refilled_at) = self.bucket.take(now) {
                return Some(refilled_at);
            }
            let entry = self.window.pop()?;
            self.start(entry);
        }
        None
    }

    fn may_start(&self) -> bool {
        let definition = self.definition.borrow();
        let most = definition
            .rate_limits
            .unwrap_or_default()
            .max_concurrent_dispatches;
        definition.state() == queue::State::Running
            && usize::try_from(most).is_ok_and(|most| self.running < most)
    }

    fn start(&mut self, entry: Entry) {
        self.running += 1;
        self.in_flight.insert(entry.key.id);
        let (environment, events) = (self.environment.clone(), self.own_events.clone());
        self.environment.attempts.spawn(async move {
            let Environment {
                client,
                identity,
                config,
                abort,
                ..
            } = &environment;
            tokio::select! {
                answer = attempt(client, identity, &*config.clock, &entry) => {
                    let _ = events.send(Event::Answered { entry, answer });
                }
                // Nothing is stored: the task is dispatched again after the next start.
                () = abort.cancelled() => {}
            }
        });
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Waits(entry) => self.window.offer(entry),
            Event::Forced(entry) => {
                self.window.remove(entry.key);
                if !self.in_flight.contains(&entry.key.id) {
                    self.start(entry);
                }
            }
            Event::Gone(key) => self.window.remove(key),
            Event::Purged { last } => self.window.purge(last),
            Event::Loaded { after, page } => self.loaded(after, page),
            Event::Answered { entry, answer } => self.answered(entry, &answer),
            Event::Settled { id, again } => {
                self.in_flight.remove(&id);
                if let Some(entry) = again {
                    self.window.offer(entry);
                }
            }
        }
    }

    fn adjust(&mut self) {
        let (rate, burst) = pace(&self.definition.borrow_and_update());
        let now = self.now();
        self.bucket.set(rate, burst, now);
    }

    /// Asks the store for more when the window runs low.
    fn load(&mut self) {
        let paused = self.load_again_at.is_some_and(|at| self.now() < at);
        if self.loading || paused {
            return;
        }
        self.load_again_at = None;
        if let Some(after) = self.window.wants_after() {
            self.loading = true;
            self.records
                .load(after, self.environment.config.window_tasks.max(2) / 2);
        }
    }

    fn loaded(&mut self, after: Key, page: Result<Page, StoreError>) {
        self.loading = false;
        match page {
            Ok(Page { entries, more }) => {
                let last = entries.last().map_or(after, |entry| entry.key);
                // A task that was in flight when the page was read is still stored as it was.
                let waiting = |entry: &Entry| !self.in_flight.contains(&entry.key.id);
                let entries = entries.into_iter().filter(waiting).collect();
                self.window.fill((after, last), entries, more);
            }
            Err(error) => {
                tracing::error!(%error, "the tasks of a queue could not be read");
                self.load_again_at = Some(self.now() + STORE_PAUSE);
            }
        }
    }

    fn answered(&mut self, entry: Entry, answer: &Answer) {
        self.running -= 1;
        let now = self.now();
        let retry = self.definition.borrow().retry_config.unwrap_or_default();
        let id = entry.key.id;
        match outcome(entry, answer, &retry, now) {
            Outcome::Done => self.records.settle(id, now),
            Outcome::GivenUp => {
                tracing::warn!(task.id = id, "a task is given up: its retries are used up");
                self.records.settle(id, now);
            }
            Outcome::Again(entry) => self.records.reschedule(entry),
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.environment.config.clock.now()
    }
}

/// Tokens a second, and how many the bucket holds.
fn pace(definition: &v2::Queue) -> (f64, f64) {
    let limits = definition.rate_limits.unwrap_or_default();
    (limits.max_dispatches_per_second, f64::from(limits.max_burst_size))
}
