//! Puts every bug in, one after the other, and tells who finds it.

use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::ValueEnum;
use noroshi::output;
use serde::Serialize;

use super::{Bug, Layer, Seeded, real};
use crate::model::{self, Bounds};
use crate::simulation;

/// How it is to be run.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Into the real program, by those cases of the matrix that must find them.
    #[arg(long)]
    real: bool,
    /// Cases at once, of the real program.
    #[arg(long, value_name = "N", default_value_t = 6)]
    at_once: usize,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
    /// Seeds within which the simulator must find a bug.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
}

#[derive(Debug, Serialize)]
struct Found {
    bug: String,
    /// The promise that the model found broken, and after how many steps. What the model has no
    /// part for is only simulated.
    by_model: Option<(&'static str, usize)>,
    /// The first seed in which the simulator found something wrong, and what.
    by_simulation: Option<(u64, String)>,
    /// Whether the layer that must find it does.
    is_found: bool,
}

/// Runs it; fails if a bug is not found by the layer that must find it.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.real {
        return real::run(arguments.at_once, arguments.json);
    }
    let mut found = Vec::new();
    for bug in Bug::value_variants() {
        let one = find(*bug, arguments.seeds);
        if !arguments.json {
            tell(&one);
        }
        found.push(one);
    }
    if arguments.json {
        output::line(serde_json::to_string_pretty(&found)?);
    }
    Ok(if found.iter().all(|found| found.is_found) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn find(bug: Bug, seeds: u64) -> Found {
    let seeded = Seeded(Some(bug));
    let in_the_model = (bug.layer() == Layer::Model).then_some(Bounds::SUITE);
    let by_model = in_the_model.into_iter().flatten().find_map(|bounds| {
        let broken = model::check(bounds, seeded).broken.into_iter().next()?;
        Some((broken.promise, broken.steps.len()))
    });
    let threads = available_parallelism().map_or(1, usize::from);
    let failed = simulation::many(0, seeds, threads, 1, seeded)
        .failed
        .into_iter()
        .next();
    let by_simulation = failed.map(|run| (run.seed, run.finding.unwrap_or_default()));
    Found {
        bug: bug.name(),
        is_found: match bug.layer() {
            Layer::Model => by_model.is_some(),
            Layer::Simulation => by_simulation.is_some(),
        },
        by_model,
        by_simulation,
    }
}

fn tell(found: &Found) {
    let Found {
        bug,
        by_model,
        by_simulation,
        is_found,
    } = found;
    output::line(format_args!(
        "{bug}: {}",
        if *is_found { "found" } else { "NOT FOUND" }
    ));
    if let Some((promise, steps)) = by_model {
        output::line(format_args!("  model, after {steps} steps: {promise}"));
    }
    if let Some((seed, finding)) = by_simulation {
        output::line(format_args!("  simulator, seed {seed}: {finding}"));
    }
}
