//! The `noroshi` command with its fault points, in a process of its own: this program, started
//! once more.
//!
//! What is proven is built with what proves it, so the two cannot be of different sources.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, anyhow};

/// What the hidden subcommand passes on.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Is the `noroshi` command, with the faults that the environment asks for.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    fault_points::check().map_err(|wrong| anyhow!(wrong))?;
    let name = OsString::from("noroshi");
    Ok(noroshi::cli::run([name].into_iter().chain(arguments.arguments)).into())
}

/// Where this program lies.
pub fn program() -> anyhow::Result<PathBuf> {
    env::current_exe().context("this program does not know where it lies")
}

/// `noroshi` with fault points, to be started.
pub(crate) fn noroshi(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("noroshi");
    command
}
