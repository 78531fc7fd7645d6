//! The process under test, in one of its lives.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fault_points::{Bug, Fault};
use journeys::processes::Process;
use journeys::world::{Client, TOKEN};
use serde_json::Value;
use tokio::time::sleep;

use crate::command;

/// How long a drain may take.
const DRAIN: Duration = Duration::from_secs(30);

const LOG: &str = "noroshi.log";

/// What a process is to do wrong in a life.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) faults: Vec<Fault>,
    pub(super) bugs: &'a [Bug],
    pub(super) hang: Duration,
    pub(super) clock_ms: i64,
}

/// A running `noroshi up`.
#[derive(Debug)]
pub struct UnderTest {
    process: Process,
    api: Option<Client>,
}

impl UnderTest {
    /// Starts it, to do that wrong.
    pub(super) fn start(program: &Path, settings: &Path, journal: &Journal, plan: &Plan<'_>) -> Self {
        let mut command = command::noroshi(program);
        command
            .arg("--config")
            .arg(settings)
            .arg("up")
            .env("NOROSHI_FAULTS", list(&plan.faults))
            .env("NOROSHI_BUGS", list(plan.bugs))
            .env("NOROSHI_FAULT_HANG_MS", plan.hang.as_millis().to_string())
            .env("NOROSHI_FAULT_CLOCK_MS", plan.clock_ms.to_string())
            .env("NOROSHI_FAULT_LOG", &journal.0);
        let log = settings.with_file_name(LOG);
        Self {
            process: Process::start(command, log),
            api: None,
        }
    }

    /// Waits until its API answers; a process that a fault ends before that is dead, and no error.
    pub(super) async fn ready(&mut self, within: Duration) {
        let address = self.process.wait_for_line_or_end(within, |line| {
            let (_, rest) = line.split_once("The API listens on http://")?;
            rest.split('/').next()?.parse().ok()
        });
        self.api = address.await.map(|address| Client::new(address, TOKEN));
    }

    /// Its API, once it has said where that is.
    pub(super) fn api(&self) -> Option<&Client> {
        self.api.as_ref()
    }

    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.process.has_ended()
    }

    /// Kills it.
    pub(super) fn kill(mut self) {
        if !self.has_ended() {
            self.process.kill();
        }
    }

    /// Lets it stand still for so long, if it lives.
    pub(super) async fn freeze(&mut self, time: Duration) {
        if !self.has_ended() {
            self.process.freeze();
            sleep(time).await;
            self.process.thaw();
        }
    }

    /// Asks it to end, and waits until it has.
    pub(super) async fn drain(mut self) {
        if !self.has_ended() {
            self.process.terminate(DRAIN).await;
        }
    }
}

fn list(items: &[impl ToString]) -> String {
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

/// The end of what all lives have written.
pub(super) fn tail(directory: &Path, lines: usize) -> String {
    let log = fs::read_to_string(directory.join(LOG)).unwrap_or_default();
    let all: Vec<_> = log.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Attempts that took longer than `lease`, of all lives: so busy is the machine. What such a one
/// has handed over and not settled in time is handed over again.
pub(super) fn overruns(directory: &Path, lease: Duration) -> usize {
    let log = fs::read_to_string(directory.join(LOG)).unwrap_or_default();
    let is_overrun = |line: &Value| {
        let elapsed = line["elapsed_ms"].as_u64().map(Duration::from_millis);
        line["service"] == "sender" && elapsed.is_some_and(|elapsed| elapsed >= lease)
    };
    let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
    lines.filter(is_overrun).count()
}

/// What the process under test has reached and done wrong, in all its lives.
#[derive(Clone, Debug)]
pub struct Journal(PathBuf);

impl Journal {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The faults that happened, as they are written.
    pub fn happened(&self) -> BTreeSet<String> {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        let lines = text.lines().filter(|line| line.contains(':'));
        lines.map(str::to_owned).collect()
    }
}
