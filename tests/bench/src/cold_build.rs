//! What a newcomer waits for: a release build of the `noroshi` command from nothing.
//!
//! Only the crates' sources are there already. CPU time is what to compare: wall time, also that
//! of a unit, is as long as the machine is busy with something else.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use noroshi::table::Table;
use serde::{Deserialize, Serialize};

use crate::process::children_cpu_seconds;
use crate::stopwatch::Stopwatch;

/// The root of the workspace.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// How the build is to be shown.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Slowest units to show.
    #[arg(long, value_name = "N", default_value_t = 12)]
    slowest: usize,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// What a build took; its serialised form is what `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    wall_seconds: f64,
    cpu_seconds: f64,
    units: usize,
    /// By their wall time, the longest first.
    slowest: Vec<Unit>,
}

/// One call of the compiler, or one run of a build script, as cargo's timings have it.
#[derive(Debug, Deserialize, Serialize)]
struct Unit {
    name: String,
    version: String,
    /// What is built; empty for the library itself.
    target: String,
    /// Wall time in seconds.
    duration: f64,
}

/// Builds and prints what it took.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let target = tempfile::tempdir()?;
    run_cargo(Command::new("cargo").arg("fetch"))?;
    let cpu_before = children_cpu_seconds()?;
    let stopwatch = Stopwatch::start();
    run_cargo(
        Command::new("cargo")
            .args(["build", "--release", "--locked", "--timings", "--target-dir"])
            .arg(target.path()),
    )?;
    let wall_seconds = stopwatch.elapsed().as_secs_f64();
    let cpu_seconds = children_cpu_seconds()? - cpu_before;
    let mut units = units(&target.path().join("cargo-timings/cargo-timing.html"))?;
    let count = units.len();
    units.sort_by(|a, b| b.duration.total_cmp(&a.duration));
    units.truncate(arguments.slowest);
    let report = Report {
        wall_seconds,
        cpu_seconds,
        units: count,
        slowest: units,
    };
    if arguments.json {
        noroshi::output::line(serde_json::to_string(&report)?);
    } else {
        noroshi::output::line(report);
    }
    Ok(())
}

/// Runs cargo in the workspace; what it says goes to standard error.
fn run_cargo(command: &mut Command) -> anyhow::Result<()> {
    let status = command.current_dir(ROOT).stdout(std::io::stderr()).status()?;
    ensure!(status.success(), "cargo ended with {status}");
    Ok(())
}

/// The units in cargo's page, where they are the value of a constant.
fn units(page: &Path) -> anyhow::Result<Vec<Unit>> {
    let page = fs::read_to_string(page)?;
    parse(&page).context("cargo's timings are in a form that is not known")
}

fn parse(page: &str) -> Option<Vec<Unit>> {
    let (_, data) = page.split_once("const UNIT_DATA = ")?;
    let mut values = serde_json::Deserializer::from_str(data).into_iter();
    values.next()?.ok()
}

impl fmt::Display for Report {
    /// The table, without a line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.row([&"wall", &format_args!("{:.0} s", self.wall_seconds)]);
        table.row([&"CPU", &format_args!("{:.0} s", self.cpu_seconds)]);
        table.row([&"units", &self.units]);
        for unit in &self.slowest {
            let name = format!("{} {}{}", unit.name, unit.version, unit.target);
            table.row([&name, &format_args!("{:.1} s wall", unit.duration)]);
        }
        write!(f, "{table}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_found_in_the_page_whatever_follows_them() {
        let page = r#"<script>DURATION = 9;
const UNIT_DATA = [
  {"i": 0, "name": "ring", "version": "0.1.0", "target": " build script", "duration": 1.5}
];
const CONCURRENCY_DATA = [];</script>"#;

        let units = parse(page).unwrap();

        assert_eq!((units[0].name.as_str(), units[0].duration), ("ring", 1.5));
        assert!(parse("<script></script>").is_none());
    }
}
