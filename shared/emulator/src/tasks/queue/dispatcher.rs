//! The dispatcher of one queue: starts what is due, as its limits allow.
//!
//! It sleeps until the soonest task is due or the next token drops into the bucket, whichever
//! holds it up, and wakes earlier for an event. Attempts run beside it; a slow one holds
//! nothing up but its own place among the concurrent ones.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use gcloud_sdk::google::cloud::tasks::v2::{self, RateLimits, queue};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::outcome::{Outcome, outcome};
use super::window::Window;
use super::{Environment, Event};
use crate::tasks::attempt::{Answer, attempt};
use crate::tasks::proto_time::{from_micros, micros};
use crate::tasks::store::{self, Entry, Key, Page, StoreError};
use crate::token_bucket::Bucket;

/// How long to wait before the store is asked again after it failed.
const STORE_PAUSE: TimeDelta = TimeDelta::seconds(1);

pub(super) struct Dispatcher {
    queue: i64,
    environment: Environment,
    definition: watch::Receiver<Arc<v2::Queue>>,
    events: mpsc::UnboundedReceiver<Event>,
    own_events: mpsc::UnboundedSender<Event>,
    closed: CancellationToken,
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
        let limits = rate_limits(&definition.borrow());
        let (rate, burst) = pace(&limits);
        Self {
            queue,
            window: Window::new(environment.config.window_tasks, environment.config.window_bytes),
            bucket: Bucket::new(rate, burst, environment.config.clock.now()),
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
        while !(stop.is_cancelled() && self.running == 0) {
            let wake_at = if stop.is_cancelled() {
                None
            } else {
                self.load();
                self.start_due()
            };
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
                Some(event) = self.events.recv() => {
                    self.apply(event);
                    // What has come meanwhile is taken together: starting looks at all of it.
                    while let Ok(event) = self.events.try_recv() {
                        self.apply(event);
                    }
                }
                Ok(()) = self.definition.changed() => self.adjust(),
                () = alarm => {}
            }
        }
    }

    /// Starts all that may start now; says when to look again, if that is only a matter of time.
    fn start_due(&mut self) -> Option<DateTime<Utc>> {
        let (limits, state) = {
            let definition = self.definition.borrow();
            (rate_limits(&definition), definition.state())
        };
        if state != queue::State::Running {
            return self.load_again_at;
        }
        let most = usize::try_from(limits.max_concurrent_dispatches).unwrap_or(0);
        while self.running < most {
            let now = self.environment.config.clock.now();
            let Some(due_at) = self.window.next_due().map(from_micros) else {
                break;
            };
            if due_at > now {
                return earliest(Some(due_at), self.load_again_at);
            }
            if let Err(refilled_at) = self.bucket.take(now) {
                return earliest(Some(refilled_at), self.load_again_at);
            }
            if let Some(entry) = self.window.pop() {
                self.start(entry);
            }
        }
        self.load_again_at
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
        let limits = rate_limits(&self.definition.borrow_and_update());
        let (rate, burst) = pace(&limits);
        self.bucket.set(rate, burst, self.environment.config.clock.now());
    }

    /// Asks the store for more when the window runs low.
    fn load(&mut self) {
        let now = self.environment.config.clock.now();
        if self.loading || self.load_again_at.is_some_and(|at| now < at) {
            return;
        }
        let Some(after) = self.window.wants_after() else {
            return;
        };
        self.loading = true;
        self.load_again_at = None;
        let (queue, events) = (self.queue, self.own_events.clone());
        let (tasks, bytes) = (
            self.environment.config.window_tasks.max(2) / 2,
            self.environment.config.window_bytes / 2,
        );
        self.environment.store.submit(
            move |connection| store::list_due(connection, queue, after, tasks, bytes),
            move |page| {
                let _ = events.send(Event::Loaded { after, page });
            },
        );
    }

    fn loaded(&mut self, after: Key, page: Result<Page, StoreError>) {
        self.loading = false;
        match page {
            Ok(page) => {
                // A task that was in flight when the page was read is still stored as it was.
                let last = page.entries.last().map_or(after, |entry| entry.key);
                let waiting = page
                    .entries
                    .into_iter()
                    .filter(|entry| !self.in_flight.contains(&entry.key.id))
                    .collect();
                self.window.fill((after, last), waiting, page.more);
            }
            Err(error) => {
                tracing::error!(%error, "the tasks of a queue could not be read");
                self.load_again_at = Some(self.environment.config.clock.now() + STORE_PAUSE);
            }
        }
    }

    fn answered(&mut self, entry: Entry, answer: &Answer) {
        self.running -= 1;
        let now = self.environment.config.clock.now();
        let retry = self.definition.borrow().retry_config.unwrap_or_default();
        let id = entry.key.id;
        match outcome(entry, answer, &retry, now) {
            Outcome::Done => self.settle(id, now),
            Outcome::GivenUp => {
                tracing::warn!(task.id = id, "a task is given up: its retries are used up");
                self.settle(id, now);
            }
            Outcome::Again(entry) => self.reschedule(entry),
        }
    }

    /// Where the store fails, the task stays in flight for this run: its outcome is known here
    /// but not stored, and the next start dispatches it again.
    fn settle(&self, id: i64, now: DateTime<Utc>) {
        let (queue, events) = (self.queue, self.own_events.clone());
        let free_at = now
            .timestamp_micros()
            .saturating_add(micros(self.environment.config.name_memory));
        self.environment.store.submit(
            move |connection| store::settle(connection, queue, id, now.timestamp_micros(), free_at),
            move |settled| match settled {
                Ok(()) => {
                    let _ = events.send(Event::Settled { id, again: None });
                }
                Err(error) => tracing::error!(%error, "the end of a task could not be stored"),
            },
        );
    }

    fn reschedule(&self, entry: Entry) {
        let events = self.own_events.clone();
        self.environment.store.submit(
            move |connection| {
                let stored = store::reschedule(connection, &entry)?;
                Ok((entry.key.id, stored.then_some(entry)))
            },
            move |stored| match stored {
                Ok((id, again)) => {
                    let _ = events.send(Event::Settled { id, again });
                }
                Err(error) => tracing::error!(%error, "the retry of a task could not be stored"),
            },
        );
    }
}

fn earliest(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}

fn rate_limits(definition: &v2::Queue) -> RateLimits {
    definition.rate_limits.unwrap_or_default()
}

fn pace(limits: &RateLimits) -> (f64, f64) {
    (limits.max_dispatches_per_second, f64::from(limits.max_burst_size))
}
