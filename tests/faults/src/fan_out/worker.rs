//! A fan-out process, in all its lives, and its wire to Datastore, which counts what it asks for.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use gcloud_sdk::google::datastore::v1::LookupRequest;
use journeys::processes::Process;
use journeys::wire::grpc::{Call, Proxy, Step, commits};
use journeys::wire::{Fault, Injected, Rule};
use runtime::clock::Moment;

use super::stage::PATIENCE;
use crate::job::Job;

/// One process, alive or dead.
#[derive(Debug)]
pub struct Worker {
    program: PathBuf,
    settings: PathBuf,
    wire: Proxy,
    expansions: Injected,
    looked_up: Arc<AtomicU64>,
    _lookups: Injected,
    life: Option<Life>,
}

#[derive(Debug)]
struct Life {
    process: Process,
    started_at: Moment,
    /// What had been counted when it began.
    expansions: u64,
    looked_up: u64,
    has_committed: bool,
}

impl Worker {
    /// One that does not run yet, with that configuration and that wire to Datastore.
    pub(super) fn new(program: PathBuf, settings: PathBuf, wire: Proxy) -> Self {
        let count = Rule::new(Fault::Slow(Duration::ZERO), commits(Step::Expand));
        let looked_up = Arc::new(AtomicU64::new(0));
        let lookups = Rule::new(Fault::Slow(Duration::ZERO), {
            let looked_up = looked_up.clone();
            move |call: &Call| {
                let keys = (call.method() == "Lookup").then(|| call.message::<LookupRequest>());
                let keys = keys.flatten().map_or(0, |lookup| lookup.keys.len());
                looked_up.fetch_add(keys as u64, Ordering::Relaxed);
                false
            }
        });
        Self {
            program,
            settings,
            expansions: wire.inject(count.always()),
            looked_up,
            _lookups: wire.inject(lookups.always()),
            wire,
            life: None,
        }
    }

    /// Starts it, or its next life.
    pub fn start(&mut self, now: Moment) {
        let command = Job::FanOut.command(&self.program, &self.settings);
        let log = self.settings.with_extension("log");
        self.life = Some(Life {
            process: Process::start(command, log),
            started_at: now,
            expansions: self.expansions(),
            looked_up: self.looked_up(),
            has_committed: false,
        });
    }

    /// How long it took from its start to its first commit: once in each life, when it is found
    /// to have sent one.
    pub(super) fn first_commit(&mut self, now: Moment) -> Option<Duration> {
        let expansions = self.expansions();
        let life = self.life.as_mut()?;
        if life.has_committed || expansions == life.expansions {
            return None;
        }
        life.has_committed = true;
        Some(now.since(life.started_at))
    }

    /// Whether it has sent a commit in this life.
    pub(super) fn is_at_work(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.has_committed)
    }

    /// Kills it (SIGKILL), and says how many keys it has looked up in this life.
    ///
    /// # Panics
    /// If it had ended by itself, which none does.
    pub fn kill(&mut self) -> u64 {
        let Some(life) = self.life.take() else { return 0 };
        life.process.kill();
        self.wire.cut();
        self.looked_up() - life.looked_up
    }

    /// Ends it by a drain.
    pub async fn end(&mut self) -> anyhow::Result<()> {
        let life = self.life.take().context("it does not run")?;
        let status = life.process.terminate(PATIENCE).await;
        anyhow::ensure!(status.success(), "a process ended with {status}");
        Ok(())
    }

    /// The process, while it runs.
    pub fn process(&mut self) -> Option<&mut Process> {
        self.life.as_mut().map(|life| &mut life.process)
    }

    /// Commits of chunks that it has sent.
    pub fn expansions(&self) -> u64 {
        self.expansions.count()
    }

    /// Keys that it has looked up.
    pub fn looked_up(&self) -> u64 {
        self.looked_up.load(Ordering::Relaxed)
    }
}
