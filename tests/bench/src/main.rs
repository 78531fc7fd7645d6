//! Benchmarks as programs: they start what they measure, and print what they saw.
//!
//! What is compared is interleaved, round by round, so that a disturbance of the machine meets
//! all sides; of the rounds the median is shown with the spread. `BENCHMARKS.md` says what the
//! figures mean and what they were on a day.

mod datastore;
mod emulator;
mod figures;
mod process;
mod stopwatch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Measures Noroshi, and what it is compared with.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Drive Noroshi's Datastore emulator and Google's with the same client and the same work.
    Emulator(emulator::Arguments),
    /// What the benchmarks measure runs in processes of its own: this program once more.
    #[command(hide = true)]
    Datastore(emulator::ours::Arguments),
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Emulator(arguments) => emulator::run(&arguments)?,
        Command::Datastore(arguments) => emulator::ours::serve(arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}
