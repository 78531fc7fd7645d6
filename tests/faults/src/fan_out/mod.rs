//! Fan-out by several processes, which are killed and started again all the while.
//!
//! The processes run nothing but fan-out, in a loop as `noroshi up` has it, on one SQL database
//! and one Datastore that outlive them. One at a time is killed (SIGKILL), at random moments that
//! are paced by what is expanded, and started again at once. In the end every chunk of the
//! audience has its marker and every recipient a push, once. How long a process takes from its
//! start to its first commit is measured, in campaigns of several sizes.

mod audit;
mod plan;
mod play;
mod report;
mod stage;
mod worker;

use std::process::ExitCode;

use tokio::runtime::Runtime;

pub use audit::Holding;
pub use plan::{Arguments, Plan};
pub use play::play;
pub use report::Report;
pub use stage::{PATIENCE, Stage};
pub use worker::Worker;

/// Runs it; fails if anything is wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new()?;
    let mut reports = Vec::new();
    for plan in Plan::all(arguments)? {
        reports.push(runtime.block_on(play(&plan))?);
    }
    if arguments.json {
        noroshi::output::line(serde_json::to_string(&reports)?);
    } else {
        for report in &reports {
            noroshi::output::line(report);
        }
    }
    Ok(if reports.iter().all(Report::is_good) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
