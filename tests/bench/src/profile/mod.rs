//! Where the CPU time of a whole campaign goes: `noroshi demo` under `perf`, its samples by part.
//!
//! Everything is in one process here, so the embedded servers are seen beside what calls them. A
//! sample belongs to the first part of [`parts`] that one of its frames is of. Nothing is compared
//! and no round repeated: of a profile, the order of the parts is what counts.

mod parts;
mod report;

use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::command::program;
use report::Report;

/// Samples a second of CPU time.
const FREQUENCY: u64 = 199;

/// Bytes of its stack that each sample keeps: what async code has of it is deep.
const STACK: &str = "dwarf,32768";

/// What is to be profiled.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Users of the campaign.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    users: u64,
    /// Without a coupon.
    #[arg(long)]
    no_coupon: bool,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Profiles a campaign and prints where the time went.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let directory = TempDir::with_prefix("noroshi-profile-")?;
    let samples = directory.path().join("samples");
    record(arguments, &samples)?;
    let report = read(
        &samples,
        Report::new(arguments.users, !arguments.no_coupon, FREQUENCY),
    )?;
    if arguments.json {
        noroshi::output::line(serde_json::to_string(&report.summary())?);
    } else {
        noroshi::output::line(report.summary());
    }
    Ok(())
}

fn record(arguments: &Arguments, samples: &Path) -> anyhow::Result<()> {
    let frequency = FREQUENCY.to_string();
    let mut command = perf(["record", "--quiet", "--event", "cpu-clock", "--call-graph", STACK]);
    command
        .args(["--freq", &frequency, "--output"])
        .arg(samples)
        .arg("--")
        .arg(program()?)
        .args([
            "noroshi",
            "demo",
            "--json",
            "--users",
            &arguments.users.to_string(),
        ]);
    if arguments.no_coupon {
        command.arg("--no-coupon");
    }
    let output = command.stdin(Stdio::null()).output().map_err(missing)?;
    ensure!(
        output.status.success(),
        "perf record ended with {}; it said:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn read(samples: &Path, mut report: Report) -> anyhow::Result<Report> {
    let mut command = perf(["script", "--no-inline", "--fields", "ip,sym", "--input"]);
    let command = command.arg(samples).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut script = command.spawn().map_err(missing)?;
    let lines = script.stdout.take().context("perf script has no output")?;
    let mut frames = Vec::new();
    for line in BufReader::new(lines).lines() {
        // An address and a name; a sample ends with an empty line.
        match line?.trim().split_once(' ') {
            Some((_, name)) => frames.push(name.to_owned()),
            None => report.add(&std::mem::take(&mut frames)),
        }
    }
    report.add(&frames);
    let status = script.wait()?;
    ensure!(status.success(), "perf script ended with {status}");
    Ok(report)
}

fn perf<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new("perf");
    command.args(arguments);
    command
}

fn missing(error: std::io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::NotFound => anyhow::anyhow!("perf is not installed (Debian: linux-perf)"),
        _ => anyhow::Error::new(error).context("perf cannot be started"),
    }
}
