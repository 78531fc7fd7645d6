//! Those who write the same entities, and what it takes them.
//!
//! Each is a process that connects, writes, and prints its own figures.

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde::Serialize;

use super::campaign::Campaign;
use super::peers::Peer;
use super::workload::Workload;
use super::{bare, ours};
use crate::sample::Sample;

/// One that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Client {
    /// The product's fan-out.
    Ours,
    /// The recorded commits, sent again.
    Bare,
    /// Another's client library.
    Peer(Peer),
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours => f.write_str("noroshi"),
            Self::Bare => f.write_str("bare loop"),
            Self::Peer(peer) => peer.fmt(f),
        }
    }
}

impl Client {
    /// Writes everything to the Datastore at `address`, which is empty.
    pub(super) fn write(
        self,
        workload: &Workload,
        address: &str,
        in_flight: usize,
    ) -> anyhow::Result<Sample> {
        let sample = match self {
            Self::Ours => expand(&workload.campaign, address, in_flight),
            Self::Bare => {
                let mut command = itself("bare")?;
                command.arg("--record").arg(workload.record()).args([
                    "--datastore",
                    address,
                    "--in-flight",
                    &in_flight.to_string(),
                ]);
                Sample::of(command)
            }
            Self::Peer(peer) => {
                let mut command = peer.command(&workload.listing());
                command.env("DATASTORE_EMULATOR_HOST", address);
                Sample::of(command)
            }
        };
        sample.with_context(|| self.to_string())
    }
}

/// Expands a copy of the campaign into the Datastore at `address`, by a process of the product.
pub(super) fn expand(campaign: &Campaign, address: &str, in_flight: usize) -> anyhow::Result<Sample> {
    let copy = campaign.copy()?;
    let mut command = itself("ours")?;
    copy.configure(&mut command, address, in_flight);
    let sample = Sample::of(command);
    drop(copy);
    sample
}

/// This program as the process of a client.
fn itself(client: &str) -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("this program does not know where it lies")?;
    let mut command = Command::new(program);
    command.args(["fan-out-client", client]);
    Ok(command)
}

/// Which client a process is.
#[derive(Debug, clap::Args)]
pub(crate) struct ClientArguments {
    #[command(subcommand)]
    client: Which,
}

#[derive(Debug, clap::Subcommand)]
enum Which {
    /// The product's fan-out, configured by the environment.
    Ours,
    /// The recorded commits.
    Bare {
        #[arg(long)]
        record: std::path::PathBuf,
        #[arg(long)]
        datastore: String,
        #[arg(long)]
        in_flight: usize,
    },
}

/// Is that client.
pub(super) fn run(arguments: &ClientArguments) -> anyhow::Result<()> {
    let sample = match &arguments.client {
        Which::Ours => ours::run()?,
        Which::Bare {
            record,
            datastore,
            in_flight,
        } => block_on_bare(record, datastore, *in_flight)?,
    };
    noroshi::output::line(serde_json::to_string(&sample)?);
    Ok(())
}

fn block_on_bare(record: &Path, datastore: &str, in_flight: usize) -> anyhow::Result<Sample> {
    tokio::runtime::Runtime::new()?.block_on(bare::run(record, datastore, in_flight))
}
