//! Coupons granted and pushes settled: through the rendezvous, and in two other ways.
//!
//! All write the same rows and entities. The rendezvous, the product's own code, takes a chunk at
//! a time and commits SQL before Datastore. *Apart* writes both at once and lets neither wait for
//! the other, which is as fast as it can be and keeps no promise. *In pairs* is one pair of
//! transactions for each user, one user after the other. They take turns, round by round, on
//! stores of their own.

mod apart;
mod chunk;
mod pairs;
mod report;
mod stores;
mod together;

use std::env;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Serialize;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::engine::Engine;
use crate::process::{load, own_cpu_seconds};
use crate::stopwatch::Stopwatch;
use crate::turns::in_turns;
use report::{Report, Standing, Turn};
use stores::{Sql, Stores};

/// How the comparison is to be.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Users who are granted a coupon a chunk at a time, in each round.
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..))]
    users: u32,
    /// Users who are granted one in pairs of transactions, in each round.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// Chunks at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    at_once: u32,
    /// Rounds that are counted.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
}

/// How coupons are granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    /// The product's.
    Together,
    /// Without waiting for each other.
    Apart,
    /// User by user.
    Pairs,
}

impl Way {
    const ALL: [Self; 3] = [Self::Together, Self::Apart, Self::Pairs];
}

/// Measures and prints. SQL is SQLite, and the server that `NOROSHI_TEST_MYSQL_URL` names;
/// Datastore is Noroshi's emulator, in memory.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    runtime::process::install_crypto();
    let mut engines = vec![Sql::Sqlite];
    match env::var("NOROSHI_TEST_MYSQL_URL") {
        Ok(url) if !url.is_empty() => engines.push(Sql::MySql(url)),
        Ok(_) | Err(_) => noroshi::output::note(format_args!(
            "only SQLite: NOROSHI_TEST_MYSQL_URL names no MySQL or MariaDB server"
        )),
    }
    let runtime = Runtime::new()?;
    let reports = engines
        .iter()
        .map(|sql| runtime.block_on(compare(sql, arguments)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    if arguments.json {
        noroshi::output::line(serde_json::to_string(&reports)?);
    } else {
        let reports = reports.iter().map(ToString::to_string).collect::<Vec<_>>();
        noroshi::output::line(reports.join("\n\n"));
    }
    Ok(())
}

async fn compare(sql: &Sql, arguments: &Arguments) -> anyhow::Result<Report> {
    let directory = TempDir::new()?;
    let engine = Engine::Memory.start(directory.path()).await?;
    let mut standings = Way::ALL.map(Standing::new);
    let load_before = load()?;
    // The first round warms everything up and does not count.
    for round in 0..=arguments.rounds {
        noroshi::output::note(format_args!("{sql}: round {round} of {}", arguments.rounds));
        for turn in in_turns(standings.len(), round) {
            let standing = &mut standings[turn];
            let sampled = measure(standing.way, sql, &engine.address, arguments).await?;
            if round > 0 {
                standing.turns.push(sampled);
            }
        }
    }
    Ok(Report::new(arguments, sql, &standings, [load_before, load()?]))
}

/// One turn, on stores of its own.
async fn measure(way: Way, sql: &Sql, datastore: &str, arguments: &Arguments) -> anyhow::Result<Turn> {
    let users = match way {
        Way::Together | Way::Apart => arguments.users,
        Way::Pairs => arguments.pairs,
    };
    let stores = Stores::open(sql, datastore, users).await?;
    let cpu_before = own_cpu_seconds()?;
    let stopwatch = Stopwatch::start();

    match way {
        Way::Together => each_chunk(&stores, arguments.at_once, together::grant).await?,
        Way::Apart => each_chunk(&stores, arguments.at_once, apart::grant).await?,
        Way::Pairs => pairs::grant_all(&stores).await?,
    }

    let turn = Turn {
        users,
        seconds: stopwatch.elapsed().as_secs_f64(),
        cpu_seconds: own_cpu_seconds()? - cpu_before,
    };
    stores.expect_all_granted().await?;
    stores.close().await?;
    Ok(turn)
}

/// Grants every chunk, so many at once.
async fn each_chunk<F>(
    stores: &Stores,
    at_once: u32,
    grant: impl Fn(Stores, u32) -> F + Clone + Send + Sync + 'static,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let next = Arc::new(AtomicU32::new(0));
    let Range { end, .. } = stores.chunks();
    let mut workers = JoinSet::new();
    for _ in 0..at_once {
        let (stores, next, grant) = (stores.clone(), next.clone(), grant.clone());
        workers.spawn(async move {
            loop {
                let no = next.fetch_add(1, Ordering::Relaxed);
                if no >= end {
                    return anyhow::Ok(());
                }
                grant(stores.clone(), no).await?;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(())
}
