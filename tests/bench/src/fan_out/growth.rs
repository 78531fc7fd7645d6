//! What becomes of the fan-out when the campaign grows: on the embedded engines, alone.
//!
//! Each size has a campaign and an engine of its own. When it is expanded, the engine is asked
//! for its own rate at that size: inserts of other entities, into what is there.

use std::fmt;

use anyhow::ensure;
use noroshi::table::{Table, bytes, count};
use serde::Serialize;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::Arguments;
use super::campaign::Campaign;
use super::client::{self, Sample};
use super::recorder::Recorder;
use crate::emulator::work::Work;
use crate::engine::Engine;
use crate::figures::{hundredths, whole};
use crate::process::load;

/// Groups that are inserted to learn the engine's own rate.
const GROUPS: u64 = 100;

/// The whole outcome; its serialised form is what `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    in_flight: u64,
    steps: Vec<Step>,
}

/// One engine at one size.
#[derive(Debug, Serialize)]
struct Step {
    engine: Engine,
    pushes: u64,
    per_second: f64,
    cpu_seconds_per_million: f64,
    peak_rss_bytes: u64,
    /// Entities per second that the engine takes when these are in it.
    engine_per_second: f64,
    engine_cpu_seconds_per_million: f64,
    engine_rss_bytes: u64,
    /// The machine's, afterwards.
    load: f64,
}

/// Expands a campaign of each size on each embedded engine.
pub(super) fn measure(runtime: &Runtime, sizes: &[u64], arguments: &Arguments) -> anyhow::Result<Report> {
    let in_flight = usize::try_from(arguments.in_flight)?;
    let mut steps = Vec::new();
    for pushes in sizes {
        let directory = TempDir::new()?;
        let recorder = runtime.block_on(Recorder::start(&directory.path().join("record")))?;
        let campaign = runtime.block_on(Campaign::start(*pushes, &recorder.address))?;
        for engine in [Engine::Memory, Engine::File] {
            noroshi::output::note(format_args!("{} pushes, {engine}", count(*pushes)));
            steps.push(step(runtime, engine, &campaign, *pushes, in_flight)?);
        }
    }
    ensure!(!steps.is_empty(), "--growth: names no size");
    Ok(Report {
        in_flight: arguments.in_flight,
        steps,
    })
}

fn step(
    runtime: &Runtime,
    engine: Engine,
    campaign: &Campaign,
    pushes: u64,
    in_flight: usize,
) -> anyhow::Result<Step> {
    let directory = TempDir::new()?;
    let running = runtime.block_on(engine.start(directory.path()))?;
    let Sample {
        seconds,
        cpu_seconds,
        peak_rss_bytes,
    } = client::expand(campaign, &running.address, in_flight)?;
    let own = Work::Insert.measure(0..GROUPS, in_flight, &running.datastore, &running.server);
    let own = runtime.block_on(own)?;
    Ok(Step {
        engine,
        pushes,
        per_second: pushes as f64 / seconds,
        cpu_seconds_per_million: cpu_seconds / pushes as f64 * 1e6,
        peak_rss_bytes,
        engine_per_second: own.per_second,
        engine_cpu_seconds_per_million: own.server_cpu,
        engine_rss_bytes: running.server.usage()?.rss_bytes,
        load: load()?,
    })
}

impl fmt::Display for Report {
    /// The table, without a line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} commits in flight\n", self.in_flight)?;
        let mut table = Table::new();
        table.row([
            &"engine",
            &"pushes",
            &"pushes/s",
            &"CPU s per million",
            &"peak memory",
            &"the engine's own entities/s",
            &"its CPU s per million",
            &"its memory",
            &"load",
        ]);
        for step in &self.steps {
            table.row([
                &step.engine,
                &count(step.pushes),
                &whole(step.per_second),
                &hundredths(step.cpu_seconds_per_million),
                &bytes(step.peak_rss_bytes),
                &whole(step.engine_per_second),
                &hundredths(step.engine_cpu_seconds_per_million),
                &bytes(step.engine_rss_bytes),
                &hundredths(step.load),
            ]);
        }
        write!(f, "{table}")
    }
}
