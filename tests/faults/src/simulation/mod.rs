//! The pipeline's decisions over many seeds.
//!
//! A seed draws a small campaign, people, faults and all chance; it is run by discrete events to
//! rest, and what must hold is looked at: as it happens, and at rest. The same seed is always the
//! same run.
//!
//! Simulated: SQL with row locks and COMMITs in doubt; Datastore, optimistic or pessimistic, with
//! commits in doubt; a queue that delivers late, twice or never and may lose everything; a
//! gateway that refuses, or takes a message and does not say so; clocks that differ; two senders
//! and two processes that run fan-out, dispatch and reconcile, each of which dies at any point,
//! stands still or is cut off; people who pause, resume, cancel, opt out and are erased.
//!
//! The product's own code decides wherever it is pure: `ChunkRecord`, `HandOverTerms`,
//! `LeaseTerms`, `Standing`, `Tally`, `Balance`, `Schedule`, `time_to_live`, `Backoff`,
//! `TimerShards`, `Places`, `CampaignState`, `Meeting`. The order of I/O around it is written
//! here after `sender` and `jobs`; where it differs from them, the file says so and why.
//!
//! Abstracted away: SQL shards, isolation finer than row locks, indexes and their limits, import,
//! prune, the renaming of an erased user's grants, devices (everybody has one address), coupon
//! validity, several campaigns at once, load. So this does not prove that the product's I/O is in
//! this order, nor anything about real stores; and ten thousand seeds are a sample.

mod attempt;
mod datastore;
mod dispatch;
mod fan_out;
mod gateway;
mod grants;
mod ledger;
mod passes;
mod people;
mod plan;
mod queue;
mod reconcile;
mod run;
mod scheduler;
mod sender;
mod settings;
mod sql;
mod stock;
#[cfg(test)]
mod tests;
mod totals;
mod transaction;
mod verdict;
mod world;

use std::process::ExitCode;
use std::thread::available_parallelism;

use noroshi::output;

pub use run::{Run, Runs, many, one};

use crate::seeded::{Bug, Seeded};

/// How it is to be run.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// How many seeds are run, from the first on: 10,000, or the one that is named.
    #[arg(long)]
    seeds: Option<u64>,
    /// The first seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Put a bug in, which must be found then.
    #[arg(long)]
    bug: Option<Bug>,
}

/// Failed seeds that are told of.
const ENOUGH: usize = 3;

/// Runs it; fails if anything is wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let seeded = Seeded(arguments.bug);
    let first = arguments.seed.unwrap_or(0);
    let of_one = arguments.seed.map(|_| 1);
    let seeds = arguments.seeds.or(of_one).unwrap_or(10_000);
    let threads = available_parallelism().map_or(1, usize::from);
    let began = now();
    let runs = many(first, seeds, threads, ENOUGH, seeded);
    let seconds = began.elapsed().as_secs_f64();
    if arguments.json {
        let report =
            serde_json::json!({ "runs": runs, "seconds": seconds, "bug": arguments.bug.map(Bug::name) });
        output::line(serde_json::to_string_pretty(&report)?);
    } else {
        tell(&runs, seconds, arguments.bug);
    }
    Ok(if runs.failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn tell(runs: &Runs, seconds: f64, bug: Option<Bug>) {
    for failed in &runs.failed {
        let Run {
            seed, finding, trace, ..
        } = failed;
        for line in trace {
            output::line(line);
        }
        output::line(format_args!(
            "seed {seed}: {}",
            finding.as_deref().unwrap_or_default()
        ));
        let bug = bug.map_or_else(String::new, |bug| format!(" --bug {}", bug.name()));
        output::line(format_args!(
            "again: cargo run -p faults -- simulate --seed {seed}{bug}"
        ));
    }
    let Runs {
        seeds,
        faults,
        events,
        raw_doubles,
        failed,
    } = runs;
    output::line(format_args!(
        "{seeds} seeds with {faults} faults and {events} events in {seconds:.1} s: {} failed; \
         {raw_doubles} messages accepted twice, none of them seen twice",
        failed.len()
    ));
}

#[expect(clippy::disallowed_methods, reason = "how long a run takes, for people")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
