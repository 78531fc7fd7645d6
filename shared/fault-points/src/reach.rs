//! What the macros call where faults are real.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::{env, fmt, future};

use rustix::process::{Signal, getpid, kill_process};

use crate::bug::Bug;
use crate::journal::Journal;
use crate::plan::{Action, Plan};
use crate::point::Point;

/// What is to happen at a place that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Nothing.
    Passes,
    /// It takes the way of a failure.
    Fails,
}

/// What an injected failure says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Injected;

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an injected fault")
    }
}

impl std::error::Error for Injected {}

#[derive(Debug)]
struct Faults {
    plan: Plan,
    journal: Journal,
    /// How often each point was reached.
    reached: Mutex<HashMap<Point, u32>>,
}

static FAULTS: LazyLock<Faults> = LazyLock::new(|| {
    let plan = read().expect("the plan was checked when the program began");
    let journal = env::var_os("NOROSHI_FAULT_LOG").map(PathBuf::from);
    let journal = Journal::open(journal.as_deref()).expect("NOROSHI_FAULT_LOG can be written");
    if plan.clock_ms != 0 {
        journal.write(&format!("clock:{}", plan.clock_ms));
    }
    Faults {
        plan,
        journal,
        reached: Mutex::default(),
    }
});

fn read() -> Result<Plan, String> {
    Plan::read(|name| env::var(name).ok())
}

/// Whether the environment's faults and bugs can be understood; else what is wrong with them.
pub fn check() -> Result<(), String> {
    read().map(drop)
}

/// Counts that the point is reached, and lets happen what is planned for this time.
pub async fn reach(point: Point) -> Reached {
    let times = count(point);
    let planned = |fault: &&crate::plan::Fault| fault.point == point && fault.at == times;
    let Some(fault) = FAULTS.plan.faults.iter().find(planned) else {
        return Reached::Passes;
    };
    FAULTS.journal.write(&format!("{point}:{}", fault.action));
    match fault.action {
        Action::Error => Reached::Fails,
        Action::Hang => {
            tokio::time::sleep(FAULTS.plan.hang).await;
            Reached::Passes
        }
        Action::Kill => {
            kill_self();
            future::pending().await
        }
    }
}

/// Whether the program has that bug.
pub fn has(bug: Bug) -> bool {
    FAULTS.plan.bugs.contains(&bug)
}

/// How many milliseconds the program's clock is ahead of the machine's.
pub fn skew_ms() -> i64 {
    FAULTS.plan.clock_ms
}

/// Counts, and writes the first time down.
fn count(point: Point) -> u32 {
    let mut reached = FAULTS.reached.lock().unwrap_or_else(PoisonError::into_inner);
    let times = reached.entry(point).or_default();
    *times += 1;
    if *times == 1 {
        FAULTS.journal.write(point.code());
    }
    *times
}

/// SIGKILL: no destructor runs, nothing is flushed.
fn kill_self() {
    kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
}
