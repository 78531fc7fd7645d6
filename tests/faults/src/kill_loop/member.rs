//! One process under test, `noroshi up`, through all its lives.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context;
use fault_points::{Bug, Fault};
use journeys::processes::Process;
use runtime::ExitCode;
use runtime::clock::Moment;
use rustix::process::Signal;

use super::settings::{self, HANG, Places};
use super::tail::Tail;
use crate::command;

/// How long a drain may take.
const DRAIN: Duration = Duration::from_secs(60);

/// Between an end of its own and the next life.
const REST: Duration = Duration::from_millis(300);

/// A process is killed only after it has worked for so long.
const SETTLED_IN: Duration = Duration::from_millis(500);

/// What is in a log when the process is at work.
const AT_WORK: &str = "The API listens on";

/// A process, alive or dead.
#[derive(Debug)]
pub(super) struct Member {
    directory: PathBuf,
    config: PathBuf,
    bugs: String,
    log: Tail,
    journal: Tail,
    state: State,
}

#[derive(Debug)]
enum State {
    Down { until: Moment },
    Starting(Process),
    AtWork { process: Process, since: Moment },
    Frozen { process: Process, until: Moment },
}

/// What was seen of a process.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// It came to a fault at a point, `S9:kill`.
    Fault(String),
    /// It has ended by itself, as nothing that was done to it explains.
    Ended(ExitStatus),
}

impl Member {
    /// One that has yet to be started.
    pub(super) fn new(
        directory: PathBuf,
        places: &Places,
        bugs: &[Bug],
        now: Moment,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&directory).context("a process's directory")?;
        Ok(Self {
            config: settings::write(&directory, places)?,
            bugs: bugs.iter().map(Bug::to_string).collect::<Vec<_>>().join(","),
            log: Tail::new(log(&directory)),
            journal: Tail::new(journal(&directory)),
            state: State::Down { until: now },
            directory,
        })
    }

    /// Whether it has been at work for a while.
    pub(super) fn is_at_work(&self, now: Moment) -> bool {
        match &self.state {
            State::AtWork { since, .. } => now.since(*since) >= SETTLED_IN,
            State::Down { .. } | State::Starting(_) | State::Frozen { .. } => false,
        }
    }

    /// Kills it (SIGKILL), unless it is down. It comes back at `until`.
    pub(super) fn kill(&mut self, until: Moment) {
        // Whatever it was: dropping a process kills it.
        self.state = State::Down { until };
    }

    /// Lets it stand still (SIGSTOP) until then, if it is at work.
    pub(super) fn freeze(&mut self, until: Moment) {
        let state = std::mem::replace(&mut self.state, State::Down { until });
        self.state = match state {
            State::AtWork { mut process, .. } => {
                if !process.has_ended() {
                    process.freeze();
                }
                State::Frozen { process, until }
            }
            State::Down { .. } | State::Starting(_) | State::Frozen { .. } => state,
        };
    }

    /// Goes on with its life: starts it, thaws it, sees its end. `faults` are for a life that
    /// begins.
    pub(super) async fn tick(
        &mut self,
        program: &Path,
        now: Moment,
        faults: impl FnOnce() -> Vec<Fault>,
    ) -> Vec<Seen> {
        let mut seen: Vec<_> = self
            .journal
            .lines()
            .into_iter()
            .filter(|line| line.contains(':'))
            .map(Seen::Fault)
            .collect();
        let says_so = self.log.lines().iter().any(|line| line.contains(AT_WORK));
        let state = std::mem::replace(&mut self.state, State::Down { until: now });
        self.state = match state {
            State::Down { until } if now < until => State::Down { until },
            State::Down { .. } => State::Starting(self.start(program, &faults())),
            State::Starting(mut process) => match end(&mut process).await {
                Some(status) => ended(status, now, &mut seen),
                None if says_so => State::AtWork { process, since: now },
                None => State::Starting(process),
            },
            State::AtWork { mut process, since } => match end(&mut process).await {
                Some(status) => ended(status, now, &mut seen),
                None => State::AtWork { process, since },
            },
            State::Frozen { mut process, until } if now >= until => {
                if !process.has_ended() {
                    process.thaw();
                }
                State::AtWork { process, since: now }
            }
            State::Frozen { process, until } => State::Frozen { process, until },
        };
        seen
    }

    /// Ends it by a drain.
    pub(super) async fn drain(&mut self, now: Moment) -> anyhow::Result<()> {
        let state = std::mem::replace(&mut self.state, State::Down { until: now });
        let mut process = match state {
            // Dropped, it is killed: what is only starting has nothing in hand.
            State::Down { .. } | State::Starting(_) => return Ok(()),
            State::AtWork { process, .. } => process,
            State::Frozen { mut process, .. } => {
                if !process.has_ended() {
                    process.thaw();
                }
                process
            }
        };
        if process.has_ended() {
            return Ok(());
        }
        let status = process.terminate(DRAIN).await;
        // It may still have come to a fault of its life.
        let is_good = status.success() || is_explained(status);
        anyhow::ensure!(is_good, "a drain ended with {status}");
        Ok(())
    }

    fn start(&self, program: &Path, faults: &[Fault]) -> Process {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        let mut command = command::noroshi(program);
        command
            .arg("--config")
            .arg(&self.config)
            .arg("up")
            .env("NOROSHI_FAULTS", faults.join(","))
            .env("NOROSHI_BUGS", &self.bugs)
            .env("NOROSHI_FAULT_HANG_MS", HANG.as_millis().to_string())
            .env("NOROSHI_FAULT_LOG", journal(&self.directory));
        Process::start(command, log(&self.directory))
    }
}

/// How a process has ended by itself, if it has.
async fn end(process: &mut Process) -> Option<ExitStatus> {
    if process.has_ended() {
        return Some(process.wait(Duration::ZERO).await);
    }
    None
}

fn ended(status: ExitStatus, now: Moment, seen: &mut Vec<Seen>) -> State {
    if !is_explained(status) {
        seen.push(Seen::Ended(status));
    }
    State::Down { until: now + REST }
}

fn log(directory: &Path) -> PathBuf {
    directory.join("noroshi.log")
}

fn journal(directory: &Path) -> PathBuf {
    directory.join("faults.log")
}

/// Whether it was a fault at a point, or a store that was down or busy when it started: after that
/// any supervisor starts it again.
fn is_explained(status: ExitStatus) -> bool {
    let passing = [ExitCode::Unavailable, ExitCode::TryAgain].map(|code| Some(i32::from(code.code())));
    status.signal() == Some(Signal::KILL.as_raw()) || passing.contains(&status.code())
}
