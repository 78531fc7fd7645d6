//! How a matrix is to be run, and how it ends.

use std::process::ExitCode;

use fault_points::Bug;

use super::{choose, play_all};
use crate::case::Case;
use crate::command;
use crate::stage::{Datastore, Ground, Sql};

/// How the matrix is to be run.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Keep campaigns in a database of this server, mysql://USER@HOST:PORT, instead of SQLite.
    /// What concerns its wire, and several processes, is played only so.
    #[arg(long, value_name = "URL")]
    mysql: Option<String>,
    /// Keep pushes in Google's emulator in Datastore mode, instead of ours.
    #[arg(long, value_name = "HOST:PORT")]
    google: Option<String>,
    /// Only these cases: S9:kill, or all at a point: S9:, or all whose name begins so: S.
    #[arg(value_name = "CASE")]
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

/// How pairs are to be run.
#[derive(Debug, clap::Args)]
pub struct PairArguments {
    #[command(flatten)]
    pub(super) common: Arguments,
    /// Only so many of them, by chance.
    #[arg(long, value_name = "N")]
    pub(super) cases: Option<usize>,
    /// What chance is drawn from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
}

impl Arguments {
    /// Plays those of the cases that are asked for, and prints the report. Fails if a case is
    /// void, anything is wrong, or repairs take too long.
    pub(super) fn play(&self, command: &'static str, cases: Vec<Case>) -> anyhow::Result<ExitCode> {
        let ground = Ground {
            sql: self.mysql.clone().map_or(Sql::Sqlite, Sql::MySql),
            datastore: self.google.clone().map_or(Datastore::Embedded, Datastore::Google),
            program: command::program()?,
        };
        let mut cases = choose(cases, &self.only, &ground.sql);
        for case in &mut cases {
            case.bugs.clone_from(&self.bug);
        }
        anyhow::ensure!(!cases.is_empty(), "there is no such case on this SQL");
        let report = play_all(cases, &ground, self.at_once, command);
        if self.json {
            noroshi::output::line(serde_json::to_string(&report.summary())?);
        } else {
            noroshi::output::line(&report);
        }
        Ok(if report.is_good() && report.is_prompt() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
