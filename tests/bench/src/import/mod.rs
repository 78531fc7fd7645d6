//! Noroshi's import and what else reads such a file: a CSV reader, alone and with the ids in
//! memory, and `LOAD DATA LOCAL INFILE`.
//!
//! Everybody reads the same file, in turns, and is a process of its own, whose memory is its own.
//! The import starts with the file uploaded and ends with the audience and its report ready.

mod client;
mod file;
mod infile;
mod ours;
mod reader;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use journeys::mariadb::MariaDb;
use serde::Serialize;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) use client::ClientArguments;

use crate::process::load;
use crate::turns::in_turns;
use client::Sample;
use file::AudienceFile;
use report::Report;

/// How the comparison is to be.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rows of the file; several sizes are measured one after the other.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1_000_000], value_parser = clap::value_parser!(u64).range(1..))]
    rows: Vec<u64>,
    /// Rounds.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Leave MariaDB out, although it is installed.
    #[arg(long)]
    sqlite: bool,
    /// Print one JSON array instead of tables.
    #[arg(long)]
    json: bool,
}

/// One that reads the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    /// The import, on the embedded stores.
    Sqlite,
    /// The import, with MariaDB in place of SQLite.
    MariaDb,
    /// The `csv` reader, which forgets what it reads.
    Reader,
    /// The same, with all ids in a `HashSet`.
    HashSet,
    /// `LOAD DATA LOCAL INFILE` into a table of MariaDB's with a unique key.
    LoadData,
}

/// Measures and prints.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    runtime::process::install_crypto();
    let runtime = Runtime::new()?;
    let mariadb = if arguments.sqlite {
        None
    } else {
        MariaDb::installed()
    };
    let reports = arguments
        .rows
        .iter()
        .map(|rows| measure(&runtime, *rows, arguments.rounds, mariadb.as_ref()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    if arguments.json {
        noroshi::output::line(serde_json::to_string(&reports)?);
    } else {
        for report in &reports {
            noroshi::output::line(report);
        }
    }
    Ok(())
}

/// Is one of those who read, and prints what that took.
pub(crate) fn run_client(arguments: &ClientArguments) -> anyhow::Result<ExitCode> {
    client::run(arguments)?;
    Ok(ExitCode::SUCCESS)
}

fn measure(runtime: &Runtime, rows: u64, rounds: u64, mariadb: Option<&PathBuf>) -> anyhow::Result<Report> {
    let directory = TempDir::with_prefix("noroshi-bench-import-")?;
    let file = AudienceFile::write(rows, &directory.path().join("audience.csv"))?;
    let everywhere = [Side::Sqlite, Side::Reader, Side::HashSet];
    let on_mariadb = mariadb.iter().flat_map(|_| [Side::MariaDb, Side::LoadData]);
    let sides: Vec<_> = everywhere.into_iter().chain(on_mariadb).collect();
    let mut report = Report::new(&file, rounds, load()?);
    for round in 0..rounds {
        for at in in_turns(sides.len(), round) {
            let side = sides[at];
            let sample = take_turn(runtime, side, &file, mariadb).with_context(|| format!("{side:?}"))?;
            noroshi::output::note(format_args!(
                "round {} of {rounds}: {side:?}, {:.2} s",
                round + 1,
                sample.seconds
            ));
            report.add(side, sample);
        }
    }
    report.end(load()?);
    Ok(report)
}

fn take_turn(
    runtime: &Runtime,
    side: Side,
    file: &AudienceFile,
    mariadb: Option<&PathBuf>,
) -> anyhow::Result<Sample> {
    let directory = TempDir::with_prefix("noroshi-bench-import-")?;
    let start = async || {
        let program = mariadb.context("MariaDB is not installed")?;
        MariaDb::start(program, &directory.path().join("mariadb"), &infile::options()).await
    };
    match side {
        Side::Reader => reader::measure(file, reader::Keeping::Nothing),
        Side::HashSet => reader::measure(file, reader::Keeping::Ids),
        Side::Sqlite => ours::measure(runtime, file, directory.path(), None),
        Side::MariaDb => {
            let server = runtime.block_on(start())?;
            ours::measure(runtime, file, directory.path(), Some(&server))
        }
        Side::LoadData => {
            let server = runtime.block_on(start())?;
            infile::measure(file, &server)
        }
    }
}
