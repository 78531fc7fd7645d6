//! The `faults` command: one layer of the proof a subcommand.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// As the product has it: this program is the product, when it is started once more.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Debug, Parser)]
#[command(
    name = "faults",
    about = "Proves by faults that Noroshi loses, doubles and forgets nothing."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Let every point fail in every way, one at a time.
    Matrix(faults::matrix::Arguments),
    /// Let a sender's fault and a repair's come together, in every pair of them.
    Pairs(faults::matrix::PairArguments),
    /// Check the commit protocol in every order of events, crash and lost message.
    Model(faults::model::Arguments),
    /// Run whole campaigns in simulated stores, one a seed.
    Simulate(faults::simulation::Arguments),
    /// Put wrongs in, one after the other, and see that each is found: into the protocol, by model or
    /// simulator; with --real into the program, by the matrix.
    SeededBugs(faults::seeded::Arguments),
    /// Kill processes and the SQL server at random while campaigns go on.
    KillLoop(faults::kill_loop::Arguments),
    /// Kill fan-out processes at random while they expand a campaign.
    FanOut(faults::fan_out::Arguments),
    /// Kill import processes at random while they import a file.
    ImportKills(faults::import_kills::Arguments),
    /// A process of these, which does one job.
    #[command(hide = true)]
    Job(faults::job::Arguments),
    /// The `noroshi` command with its fault points.
    #[command(hide = true, disable_help_flag = true)]
    Noroshi(faults::command::Arguments),
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Matrix(arguments) => faults::matrix::run(&arguments),
        Command::Pairs(arguments) => faults::matrix::run_pairs(&arguments),
        Command::Model(arguments) => faults::model::run(&arguments),
        Command::Simulate(arguments) => faults::simulation::run(&arguments),
        Command::SeededBugs(arguments) => faults::seeded::run(&arguments),
        Command::KillLoop(arguments) => faults::kill_loop::run(&arguments),
        Command::FanOut(arguments) => faults::fan_out::run(&arguments),
        Command::ImportKills(arguments) => faults::import_kills::run(&arguments),
        Command::Job(arguments) => faults::job::run(&arguments),
        Command::Noroshi(arguments) => faults::command::run(arguments),
    }
}
