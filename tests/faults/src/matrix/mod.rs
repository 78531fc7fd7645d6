//! Every point, every way to fail there, one at a time, on the real program.
//!
//! A case whose fault did not happen proves nothing, and is said to be void. What a case needs
//! beside its fault is chosen by its point: a slow gateway, a cancel, something to repair.

mod report;

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;

use fault_points::{Bug, Fault, Point};
use tokio::runtime::Runtime;

use crate::case::Case;
use crate::command;
use crate::play::{Played, play};
use crate::stage::{Ground, Sql};
pub use report::Report;

/// How the matrix is to be run.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Keep campaigns in a database of this server, mysql://USER@HOST:PORT, instead of SQLite.
    #[arg(long, value_name = "URL")]
    mysql: Option<String>,
    /// Only these faults: S9:kill, or all at a point: S9, or all whose point begins so: S.
    #[arg(value_name = "FAULT")]
    only: Vec<String>,
    /// Cases at once.
    #[arg(long, value_name = "N", default_value_t = 6)]
    at_once: usize,
    /// Seed this bug into the program; the matrix is to find it.
    #[arg(long, value_name = "BUG")]
    bug: Vec<Bug>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Runs it; fails if a case is void or anything is wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sql = arguments.mysql.clone().map_or(Sql::Sqlite, Sql::MySql);
    let cases = cases(&arguments.only)
        .into_iter()
        .map(|case| Case {
            bugs: arguments.bug.clone(),
            ..case
        })
        .collect();
    let ground = Ground {
        sql,
        program: command::program()?,
    };
    let report = play_all(cases, &ground, arguments.at_once);
    if arguments.json {
        noroshi::output::line(serde_json::to_string(&report.summary())?);
    } else {
        noroshi::output::line(&report);
    }
    Ok(if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The cases of all faults, or of those that `only` names.
pub fn cases(only: &[String]) -> Vec<Case> {
    let faults = Point::ALL.iter().flat_map(|point| Fault::all_at(*point));
    let named = |fault: &Fault| {
        only.is_empty()
            || only
                .iter()
                .any(|name| fault.to_string().starts_with(name.as_str()))
    };
    faults.filter(named).map(Case::of).collect()
}

/// Plays cases, so many at once, and says of each how it went.
pub fn play_all(cases: Vec<Case>, ground: &Ground, at_once: usize) -> Report {
    let report = Mutex::new(Report::new(&ground.sql));
    let cases = Mutex::new(cases.into_iter());
    let next = || cases.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        for _ in 0..at_once.max(1) {
            scope.spawn(|| {
                while let Some(case) = next() {
                    let played = play_alone(&case, ground);
                    report
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .add(case, played);
                }
            });
        }
    });
    report.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Plays a case on threads of its own: one whose stage breaks down is wrong, and no other is.
fn play_alone(case: &Case, ground: &Ground) -> Played {
    let playing = thread::scope(|scope| {
        let played = scope.spawn(|| Runtime::new()?.block_on(play(case, ground)));
        played.join()
    });
    match playing {
        Ok(Ok(played)) => played,
        Ok(Err(error)) => Played::stuck(case, format!("{error:#}")),
        Err(_) => Played::stuck(case, "it panicked, as is said above".to_owned()),
    }
}
