//! To be written.

use std::process::ExitCode;

/// How it is to be run.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs it; fails if anything is wrong.
pub fn run(_: &Arguments) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet")
}
