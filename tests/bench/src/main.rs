//! Benchmarks as programs: they start what they measure, and print what they saw.
//!
//! What is compared is interleaved, round by round, so that a disturbance of the machine meets
//! all sides; of the rounds the median is shown with the spread. `BENCHMARKS.md` says what the
//! figures mean and what they were on a day.

mod cold_build;
mod command;
mod datastore;
mod deliver;
mod emulator;
mod engine;
mod fan_out;
mod figures;
mod grants;
mod guard;
mod import;
mod lanes;
mod packages;
mod pipeline;
mod process;
mod profile;
mod sample;
mod stopwatch;
mod turns;
mod work;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// As in the `noroshi` command, which the benchmarks start as processes of this program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Measures Noroshi, and what it is compared with.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send messages by Noroshi's gateways and by other clients.
    Deliver(deliver::Arguments),
    /// Drive Noroshi's Datastore emulator and Google's with the same client and the same work.
    Emulator(emulator::Arguments),
    /// Drive Noroshi's fan-out and other Datastore clients with the same entities.
    FanOut(fan_out::Arguments),
    /// Grant coupons in both stores: at a rendezvous, without one, and user by user.
    Grants(grants::Arguments),
    /// Grant a campaign's coupons on a primary with a slow replica, with the load guard and without.
    Guard(guard::Arguments),
    /// Import an audience file, and read it in other ways.
    Import(import::Arguments),
    /// Deliver small campaigns by several processes, alone and beside a large one.
    Lanes(lanes::Arguments),
    /// Run whole campaigns by `noroshi demo`, on embedded stores and on real ones.
    Pipeline(pipeline::Arguments),
    /// Profile a whole campaign by `perf`: where its CPU time goes.
    Profile(profile::Arguments),
    /// Build the `noroshi` command from nothing, in a directory of its own.
    ColdBuild(cold_build::Arguments),
    /// Noroshi in the comparison of gateways, which is started as a process of its own.
    #[command(hide = true)]
    DeliverClient(deliver::ClientArguments),
    /// A gateway of that comparison.
    #[command(hide = true)]
    DeliverGateway(deliver::GatewayArguments),
    /// One client of the fan-out comparison, which is started as a process of its own.
    #[command(hide = true)]
    FanOutClient(fan_out::ClientArguments),
    /// One side of the import's comparison, which is started as a process of its own.
    #[command(hide = true)]
    ImportClient(import::ClientArguments),
    /// The `noroshi` command, which the benchmarks start in processes of its own.
    #[command(hide = true, disable_help_flag = true)]
    Noroshi(command::Arguments),
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Deliver(arguments) => deliver::run(&arguments)?,
        Command::DeliverClient(arguments) => return deliver::run_client(&arguments),
        Command::DeliverGateway(arguments) => return deliver::run_gateway(&arguments),
        Command::Emulator(arguments) => emulator::run(&arguments)?,
        Command::FanOut(arguments) => fan_out::run(&arguments)?,
        Command::FanOutClient(arguments) => return fan_out::run_client(&arguments),
        Command::Grants(arguments) => grants::run(&arguments)?,
        Command::Guard(arguments) => guard::run(&arguments)?,
        Command::Import(arguments) => import::run(&arguments)?,
        Command::ImportClient(arguments) => return import::run_client(&arguments),
        Command::Lanes(arguments) => lanes::run(&arguments)?,
        Command::Pipeline(arguments) => pipeline::run(&arguments)?,
        Command::Profile(arguments) => profile::run(&arguments)?,
        Command::ColdBuild(arguments) => cold_build::run(&arguments)?,
        Command::Noroshi(arguments) => return Ok(command::run(arguments)),
    }
    Ok(ExitCode::SUCCESS)
}
