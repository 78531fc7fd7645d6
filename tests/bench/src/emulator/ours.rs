//! Noroshi's emulator, served by this program in a process of its own.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use ::emulator::datastore::{Config, Server, Storage};
use anyhow::Context;

/// Where to listen, and on what.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    listen: SocketAddr,
    /// Without one, everything is in memory.
    file: Option<PathBuf>,
}

/// Serves until the process is killed.
pub(crate) fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let storage = arguments.file.map_or(Storage::Memory, Storage::File);
    let config = Config {
        storage,
        ..Config::default()
    };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let _server = Server::start(config, arguments.listen).await?;
        std::future::pending().await
    })
}

/// The command that [`serve`]s at `address`.
pub(super) fn command(address: &str, file: Option<&Path>) -> anyhow::Result<Command> {
    let mut command = Command::new(env::current_exe().context("this program does not know where it lies")?);
    command.arg("datastore").arg(address).args(file);
    Ok(command)
}
