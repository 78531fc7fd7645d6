//! The `noroshi` command in a process of its own: this program, started once more.
//!
//! What is measured is built with what measures it, so the two cannot be of different sources.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Context;

/// What the hidden subcommand passes on.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Is the `noroshi` command.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let name = OsString::from("noroshi");
    noroshi::cli::run([name].into_iter().chain(arguments.arguments)).into()
}

/// Where this program lies.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    env::current_exe().context("this program does not know where it lies")
}

/// `noroshi` with these arguments, to be started.
pub(crate) fn noroshi(arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(program()?);
    command.arg("noroshi").args(arguments);
    Ok(command)
}
