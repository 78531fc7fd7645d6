//! Noroshi's fan-out, a bare loop and other clients: the same entities to the same Datastore.
//!
//! Every client is a process of its own and starts on an empty store; what it wrote is compared
//! with what the product writes. The clients take turns, round by round; one round is not
//! counted, for in it servers compile what is hot. With `--growth`, the product alone writes ever
//! larger campaigns instead.

mod audience;
mod bare;
mod campaign;
mod client;
mod growth;
mod listing;
mod ours;
mod peers;
mod recorder;
mod report;
mod requests;
mod workload;

use std::process::ExitCode;

use anyhow::Context;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::engine::{Engine, Running};
use crate::process::load;
use crate::turns::in_turns;
use client::Client;
pub(crate) use client::ClientArguments;
use peers::Peer;
use report::{Report, Standing, Turn};
use workload::Workload;

/// How the comparison is to be.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Pushes that every client writes, beside one marker for each chunk of them.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    entities: u64,
    /// Where they are written.
    #[arg(long, value_enum, default_value_t = Target::Embedded)]
    engine: Target,
    /// Who else writes them; an empty list is nobody. They are installed below `target`.
    #[arg(long, value_name = "PEERS", value_enum, value_delimiter = ',', num_args = 0.., default_value = "node,python")]
    peers: Vec<Peer>,
    /// Rounds that are counted.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Commits that the fan-out and the bare loop have under way. Each peer has as many as were
    /// found best for it.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..))]
    in_flight: u64,
    /// Measure the fan-out on the embedded engines at these sizes, instead of comparing.
    #[arg(
        long,
        value_name = "SIZES",
        value_delimiter = ',',
        num_args = 0..=1,
        default_missing_value = "100000,1000000,5000000"
    )]
    growth: Option<Vec<u64>>,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
}

/// A Datastore to write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Target {
    /// Noroshi's own, in memory as Google's is.
    Embedded,
    /// Google's Firestore emulator in Datastore mode.
    Google,
}

impl From<Target> for Engine {
    fn from(target: Target) -> Self {
        match target {
            Target::Embedded => Self::Memory,
            Target::Google => Self::Google,
        }
    }
}

/// Measures and prints.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    runtime::process::install_crypto();
    let runtime = Runtime::new()?;
    match &arguments.growth {
        Some(sizes) => print(arguments, &growth::measure(&runtime, sizes, arguments)?),
        None => print(arguments, &compare(&runtime, arguments)?),
    }
}

/// Is one client, and prints what the writing took.
pub(crate) fn run_client(arguments: &ClientArguments) -> anyhow::Result<ExitCode> {
    client::run(arguments)?;
    Ok(ExitCode::SUCCESS)
}

fn print(arguments: &Arguments, report: &(impl serde::Serialize + std::fmt::Display)) -> anyhow::Result<()> {
    if arguments.json {
        noroshi::output::line(serde_json::to_string(report)?);
    } else {
        noroshi::output::line(report);
    }
    Ok(())
}

fn compare(runtime: &Runtime, arguments: &Arguments) -> anyhow::Result<Report> {
    for peer in &arguments.peers {
        peer.install()?;
    }
    let workload = Workload::prepare(runtime, arguments.entities)?;
    let peers = arguments.peers.iter().copied().map(Client::Peer);
    let clients = [Client::Ours, Client::Bare].into_iter().chain(peers);
    let mut standings: Vec<_> = clients.map(Standing::new).collect();
    let directory = TempDir::new()?;
    let engine = Engine::from(arguments.engine);
    let running = runtime.block_on(engine.start(directory.path()))?;
    let load_before = load()?;
    for round in 0..=arguments.rounds {
        for at in in_turns(standings.len(), round) {
            let standing = &mut standings[at];
            let turn = turn(runtime, standing.client, &workload, &running, arguments)?;
            noroshi::output::note(format_args!(
                "round {round} of {}: {}, {:.1} s",
                arguments.rounds, standing.client, turn.sample.seconds
            ));
            if round > 0 {
                standing.turns.push(turn);
            }
        }
    }
    let load = [load_before, load()?];
    Ok(Report::new(arguments, engine, &workload, &standings, load))
}

/// One client's turn on an empty store.
fn turn(
    runtime: &Runtime,
    client: Client,
    workload: &Workload,
    running: &Running,
    arguments: &Arguments,
) -> anyhow::Result<Turn> {
    running.reset()?;
    let before = running.server.usage()?.cpu_seconds;
    let sample = client.write(workload, &running.address, usize::try_from(arguments.in_flight)?)?;
    let engine_cpu_seconds = running.server.usage()?.cpu_seconds - before;
    runtime
        .block_on(workload.check(running))
        .with_context(|| format!("what the {client} wrote"))?;
    Ok(Turn {
        sample,
        engine_cpu_seconds,
    })
}
