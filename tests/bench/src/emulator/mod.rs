//! Noroshi's Datastore emulator against Google's: the same client, the same work, in turns.
//!
//! Every server runs in a process of its own. One round is not counted: in it, Java compiles what
//! it has found hot. Afterwards memory is read, and the durable one is killed and started again.

mod report;

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::engine::{Engine, Running};
use crate::work::Work;
use anyhow::{Context, ensure};
use report::{Report, Standing};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::datastore::GROUP;
use crate::turns::in_turns;

/// How the comparison is to be.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Entities that each server holds in the end.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    entities: u64,
    /// Rounds that are counted; each inserts its share of the entities.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Read-modify-write transactions of a round.
    #[arg(long, value_name = "N", default_value_t = 40)]
    transactions: u64,
    /// Ancestor queries of a round, one after the other; few, for Google's take longer the more
    /// entities there are.
    #[arg(long, value_name = "N", default_value_t = 10)]
    queries: u64,
    /// Commits and transactions in flight.
    #[arg(long, value_name = "N", default_value_t = 16)]
    in_flight: usize,
    /// Times that each server is started, to see how long it takes.
    #[arg(long, value_name = "N", default_value_t = 3)]
    starts: u64,
    /// Leave out Google's emulator, which needs gcloud and Java.
    #[arg(long)]
    without_google: bool,
    /// Keep the files in this directory, which is on the disk that is to be measured [default: a
    /// temporary one].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
}

/// Runs the comparison and prints it.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let report = runtime.block_on(compare(arguments))?;
    if arguments.json {
        noroshi::output::line(serde_json::to_string(&report)?);
    } else {
        noroshi::output::line(report);
    }
    Ok(())
}

async fn compare(arguments: &Arguments) -> anyhow::Result<Report> {
    let groups = arguments.entities / GROUP / (arguments.rounds + 1);
    let wanted = arguments.transactions.max(arguments.queries).max(1);
    ensure!(
        groups >= wanted,
        "--entities: must be at least {}, so that every round has enough of its own",
        (arguments.rounds + 1) * wanted * GROUP
    );
    let mut standings = open(arguments).await?;
    for round in 0..=arguments.rounds {
        for work in Work::ALL {
            let first = round * groups;
            let groups = match work {
                Work::Insert => first..first + groups,
                Work::Update => first..first + arguments.transactions,
                Work::Query => first..first + arguments.queries,
            };
            for at in in_turns(standings.len(), round) {
                noroshi::output::note(format_args!(
                    "round {round} of {}: {work}, {}",
                    arguments.rounds, standings[at].engine
                ));
                measure(
                    &mut standings[at],
                    round,
                    work,
                    groups.clone(),
                    arguments.in_flight,
                )
                .await?;
            }
        }
    }
    for standing in &mut standings {
        standing.rss_bytes = standing.running.server.usage()?.rss_bytes;
    }
    let mut recoveries = Vec::new();
    for standing in &mut standings {
        if standing.engine == Engine::File {
            let written = (arguments.rounds + 1) * groups;
            recoveries = kill_and_recover(standing, written, arguments).await?;
        }
    }
    Ok(Report::new(arguments, standings, &recoveries))
}

/// Starts everybody as often as asked for; the last start stays.
async fn open(arguments: &Arguments) -> anyhow::Result<Vec<Standing>> {
    let mut engines = vec![Engine::Memory, Engine::File];
    if !arguments.without_google {
        engines.push(Engine::Google);
    }
    let mut ready: Vec<Vec<f64>> = vec![Vec::new(); engines.len()];
    let mut running = Vec::new();
    for start in 1..=arguments.starts.max(1) {
        for (at, engine) in engines.iter().enumerate() {
            let directory = directory(arguments.data.as_deref())?;
            let started = engine.start(directory.path()).await?;
            ready[at].push(started.ready_after.as_secs_f64());
            if start == arguments.starts.max(1) {
                running.push((started, directory));
            }
        }
    }
    let standings = engines.into_iter().zip(ready).zip(running);
    Ok(standings
        .map(|((engine, ready), (running, directory))| Standing::new(engine, ready, running, directory))
        .collect())
}

fn directory(data: Option<&Path>) -> anyhow::Result<TempDir> {
    let made = match data {
        Some(data) => TempDir::new_in(data),
        None => TempDir::new(),
    };
    made.context("no directory can be made")
}

async fn measure(
    standing: &mut Standing,
    round: u64,
    work: Work,
    groups: Range<u64>,
    in_flight: usize,
) -> anyhow::Result<()> {
    let Running {
        server, datastore, ..
    } = &standing.running;
    let sample = work
        .measure(groups, in_flight, datastore, server)
        .await
        .with_context(|| standing.engine.to_string())?;
    if round > 0 {
        standing.samples.push((work, sample));
    }
    Ok(())
}

/// Kills the durable server in the middle of inserts, starts it again, and sees that what it had
/// acknowledged is there; as often as it was started before. Returns the seconds from each start
/// to the first answer.
async fn kill_and_recover(
    standing: &mut Standing,
    written: u64,
    arguments: &Arguments,
) -> anyhow::Result<Vec<f64>> {
    let mut seconds = Vec::new();
    let mut written = written;
    for _ in 0..arguments.starts.max(1) {
        let mut inserts = JoinSet::new();
        for group in written..written + arguments.in_flight as u64 {
            let datastore = standing.running.datastore.clone();
            inserts.spawn(async move { datastore.insert(group).await.map(|()| group) });
        }
        let acknowledged = inserts.join_next().await.context("nothing is in flight")???;
        standing.running.server.kill()?;
        inserts.shutdown().await;
        written += arguments.in_flight as u64;

        standing.running = standing.engine.start(standing.directory.path()).await?;
        let there = standing.running.datastore.holds(acknowledged).await?;
        ensure!(there, "group {acknowledged} was acknowledged, and is lost");
        seconds.push(standing.running.ready_after.as_secs_f64());
    }
    Ok(seconds)
}
