//! What the load guard spares a replica, and what that costs a campaign.
//!
//! A MariaDB primary has a replica that is slow: its process is let run for a part of the time only
//! (SIGSTOP and SIGCONT), as on a machine that others use. A campaign with a coupon is imported,
//! expanded and granted, once with the guard and once without, in turns and on servers of its own.
//! Nobody has a device, so that nothing but the databases sets the pace. How far the replica is
//! behind is measured beside the guard, by the same means on both sides.

mod campaign;
mod lag;
mod report;
mod servers;

use std::time::Duration;

use anyhow::Context;
use journeys::mariadb::MariaDb;
use serde::Serialize;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::process::load;
use crate::turns::in_turns;
use lag::Lags;
use report::Report;
use servers::Servers;

/// How the comparison is to be.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Users of a campaign.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    users: u64,
    /// Campaigns on each side.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// How much of the time the replica runs, of a hundred.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=99))]
    replica_runs: u32,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Whether the guard is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    Without,
    With,
}

impl Side {
    const ALL: [Self; 2] = [Self::Without, Self::With];
}

/// One campaign.
#[derive(Clone, Debug)]
struct Turn {
    import: Duration,
    /// From the end of the upload until the campaign is finished.
    whole: Duration,
    lags: Lags,
}

/// Measures and prints.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    runtime::process::install_crypto();
    let mariadb = MariaDb::installed().context("MariaDB is needed: install mariadb-server")?;
    let runtime = Runtime::new()?;
    let load_before = load()?;
    let mut report = Report::new(arguments);
    for round in 0..arguments.rounds {
        for turn in in_turns(Side::ALL.len(), round) {
            let side = Side::ALL[turn];
            noroshi::output::note(format_args!(
                "round {} of {}, {side} the guard",
                round + 1,
                arguments.rounds
            ));
            let turn = runtime.block_on(measure(side, &mariadb, arguments))?;
            report.add(side, turn);
        }
    }
    let summary = report.summary([load_before, load()?]);
    if arguments.json {
        noroshi::output::line(serde_json::to_string(&summary)?);
    } else {
        noroshi::output::line(summary);
    }
    Ok(())
}

async fn measure(side: Side, mariadb: &std::path::Path, arguments: &Arguments) -> anyhow::Result<Turn> {
    let directory = TempDir::new()?;
    let servers = Servers::start(mariadb, directory.path()).await?;
    let watch = lag::Watch::start(&servers).await?;
    let config = campaign::config(directory.path(), &servers, side)?;
    let slowed = servers.slow_down(arguments.replica_runs);
    let took = campaign::run(config, arguments.users).await?;
    // What is still to be applied is part of the lag.
    let lags = watch.until_caught_up().await?;
    slowed.stop().await?;
    Ok(Turn {
        import: took.import,
        whole: took.whole,
        lags,
    })
}
