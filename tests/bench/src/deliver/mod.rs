//! Noroshi's gateways and other clients: messages a second, and what one costs.
//!
//! Every client is a process of its own that sends messages of half a kilobyte over TLS to a
//! gateway on this machine, which answers at once or after some time. The clients take turns,
//! round by round; one round is not counted. `h2load`, which only replays one body, is the limit.

mod certificate;
mod client;
mod gateway;
mod message;
mod ours;
mod report;

use std::num::NonZeroU32;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::process::load;
use crate::turns::in_turns;
use certificate::Certificate;
use client::{Client, Installed};
pub(crate) use gateway::GatewayArguments;
use gateway::{Gateway, Running};
pub(crate) use ours::ClientArguments;
use report::{Report, Standing};

/// How the comparison is to be.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Messages that Noroshi sends in a round; slower clients send a part of them.
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    messages: u64,
    /// How long the slow gateway takes for a message.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 50)]
    latency: u64,
    /// Who else sends them; an empty list is nobody. They are installed below `target`; h2load and
    /// nghttpd are those of this machine.
    #[arg(long, value_name = "PEERS", value_enum, value_delimiter = ',', num_args = 0..,
        default_value = "h2load,firebase-admin-node,fcm-v1-http2,firebase-admin-python,web-push")]
    peers: Vec<Client>,
    /// Connections of Noroshi's to one gateway at most, if not its default.
    #[arg(long, value_name = "N")]
    connections: Option<NonZeroU32>,
    /// Rounds that are counted.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
}

/// Measures and prints.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let report = compare(arguments)?;
    if arguments.json {
        noroshi::output::line(serde_json::to_string(&report)?);
    } else {
        noroshi::output::line(&report);
    }
    Ok(())
}

/// Is Noroshi as a client, and prints what the sending took.
pub(crate) fn run_client(arguments: &ClientArguments) -> anyhow::Result<ExitCode> {
    ours::run(arguments)?;
    Ok(ExitCode::SUCCESS)
}

/// Is a gateway until it is killed.
pub(crate) fn run_gateway(arguments: &GatewayArguments) -> anyhow::Result<ExitCode> {
    gateway::run(arguments)?;
    Ok(ExitCode::SUCCESS)
}

fn compare(arguments: &Arguments) -> anyhow::Result<Report> {
    let peers = arguments.peers.iter().copied();
    let clients = [Client::Fcm, Client::WebPush].into_iter().chain(peers);
    let clients = clients.collect::<Vec<_>>();
    for client in &clients {
        client.install()?;
    }
    let directory = TempDir::new()?;
    let installed = Installed {
        certificate: Certificate::make(directory.path())?,
        directory: directory.path().to_owned(),
        messages: arguments.messages,
        connections: arguments.connections,
    };
    let gateways = [
        Gateway::Nghttpd,
        Gateway::Own { milliseconds: 0 },
        Gateway::Own {
            milliseconds: arguments.latency,
        },
    ];
    let gateways = gateways.map(|gateway| gateway.start(&installed)).into_iter();
    let gateways = gateways.collect::<anyhow::Result<Vec<_>>>()?;
    let mut standings = Vec::new();
    for (at, running) in gateways.iter().enumerate() {
        let met = clients.iter().filter(|client| client.meets(running.gateway));
        standings.extend(met.map(|client| Standing::new(*client, running.gateway, at)));
    }
    let load_before = load()?;
    for round in 0..=arguments.rounds {
        for at in in_turns(standings.len(), round) {
            let standing = &mut standings[at];
            let sample = turn(standing.client, &gateways[standing.at], &installed)?;
            noroshi::output::note(format_args!(
                "round {round} of {}: {} to {}, {:.1} s",
                arguments.rounds, standing.client, standing.gateway, sample.seconds
            ));
            if round > 0 {
                standing.samples.push(sample);
            }
        }
    }
    Ok(Report::new(
        arguments,
        &installed,
        standings,
        [load_before, load()?],
    ))
}

/// One client's turn at one gateway, which must have answered every message with success.
fn turn(client: Client, running: &Running, installed: &Installed) -> anyhow::Result<crate::sample::Sample> {
    let count = client.messages(installed.messages);
    let before = running.answered()?;
    let sample = client
        .send(running, installed)
        .with_context(|| format!("{client} to {}", running.gateway))?;
    if let Some((before, after)) = before.zip(running.answered()?) {
        ensure!(
            after - before == count,
            "{client}: {} of {count} messages came to {}",
            after - before,
            running.gateway
        );
    }
    Ok(sample)
}
