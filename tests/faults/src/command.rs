//! The `noroshi` command with its fault points, in a process of its own: this program, started
//! once more.
//!
//! What is proven is built with what proves it, so the two cannot be of different sources.

use std::env;
use std::ffi::OsString;
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

/// `noroshi` with fault points, to be started. A test is not that program, and names it.
pub fn noroshi() -> anyhow::Result<Command> {
    let program = match env::var_os("NOROSHI_FAULTS_PROGRAM") {
        Some(program) => program.into(),
        None => env::current_exe().context("this program does not know where it lies")?,
    };
    let mut command = Command::new(program);
    command.arg("noroshi");
    Ok(command)
}
