//! Campaigns under random kills, for as long as asked, on the real program.
//!
//! Several processes, each a whole `noroshi up`, work on one database, one Datastore, one queue
//! and gateways that outlive them. They are killed, stand still past their leases, come to faults
//! at their points; their wires lie; the SQL server is killed as well. Everything is paced by what
//! is delivered, so that it strikes processes at work. In the end everything comes to rest, and
//! the books of SQL, Datastore and the gateways are compared.
//!
//! The blows are drawn from a seed. What they meet is not: two runs of a seed strike alike, and
//! not the same.

mod aim;
mod audit;
mod blows;
mod campaigns;
mod conductor;
mod doubles;
mod front;
mod ground;
mod member;
mod plan;
mod play;
mod report;
mod rest;
mod settings;
mod slip;
mod strikes;
mod tail;
mod wires;

use std::process::ExitCode;

use tempfile::TempDir;
use tokio::runtime::Runtime;

pub use plan::{Arguments, Plan};
pub use report::Report;

/// Runs it; fails if anything is wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let plan = Plan::of(arguments)?;
    let report = play(&plan)?;
    if arguments.json {
        noroshi::output::line(serde_json::to_string(&report)?);
    } else {
        noroshi::output::line(&report);
    }
    Ok(if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Plays a loop to its end, on stores of its own.
pub fn play(plan: &Plan) -> anyhow::Result<Report> {
    noroshi::output::note(format_args!("seed {}", plan.seed));
    let directory = TempDir::with_prefix("noroshi-kill-loop-")?;
    let played = Runtime::new()?.block_on(play::play(plan, directory.path()));
    let again = || plan.command();
    match played {
        Ok(report) if report.is_good() => Ok(report),
        Ok(report) => Ok(Report {
            again: Some((again(), directory.keep())),
            ..report
        }),
        Err(error) => Err(error.context(format!(
            "again: {}\nlogs: {}",
            again(),
            directory.keep().display()
        ))),
    }
}
