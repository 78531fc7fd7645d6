//! What becomes of the fan-out when the campaign grows: on the embedded engines, alone.
//!
//! Each size has a campaign and an engine of its own. When it is expanded, the engine is asked
//! for its own rate at that size: inserts of other entities, into what is there.

use std::fmt;

use noroshi::table::{Table, bytes, count};
use serde::Serialize;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::Arguments;
use super::campaign::Campaign;
use super::client;
use super::recorder::Recorder;
use crate::engine::Engine;
use crate::figures::{Spread, hundredths, show, whole};
use crate::process::load;
use crate::sample::Sample;
use crate::work::{self, Work};

const ENGINES: [Engine; 2] = [Engine::Memory, Engine::File];

/// Groups that are inserted to learn the engine's own rate.
const GROUPS: u64 = 100;

/// The whole outcome; its serialised form is what `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    rounds: u64,
    in_flight: u64,
    /// The machine's, before and after.
    load: [f64; 2],
    steps: Vec<Step>,
}

/// One engine at one size.
#[derive(Debug, Serialize)]
struct Step {
    engine: Engine,
    pushes: u64,
    pushes_per_second: Option<Spread>,
    cpu_seconds_per_million: Option<Spread>,
    peak_rss_bytes: Option<Spread>,
    /// Entities per second that the engine takes when these are in it.
    engine_per_second: Option<Spread>,
    engine_cpu_seconds_per_million: Option<Spread>,
    engine_rss_bytes: Option<Spread>,
}

/// One expansion, and how the engine stood afterwards.
#[derive(Clone, Copy, Debug)]
struct Grown {
    fan_out: Sample,
    engine: work::Sample,
    engine_rss_bytes: u64,
}

/// Expands a campaign of each size on each embedded engine, as often as there are rounds.
pub(super) fn measure(runtime: &Runtime, sizes: &[u64], arguments: &Arguments) -> anyhow::Result<Report> {
    let in_flight = usize::try_from(arguments.in_flight)?;
    let campaigns = sizes.iter().map(|size| Ok((*size, start(runtime, *size)?)));
    let campaigns = campaigns.collect::<anyhow::Result<Vec<_>>>()?;
    let cases: Vec<_> = ENGINES
        .into_iter()
        .flat_map(|engine| campaigns.iter().map(move |campaign| (engine, campaign)))
        .collect();
    let mut grown = vec![Vec::new(); cases.len()];
    let load_before = load()?;
    for round in 1..=arguments.rounds {
        for ((engine, (pushes, campaign)), grown) in cases.iter().zip(&mut grown) {
            let done = grow(runtime, *engine, campaign, in_flight)?;
            noroshi::output::note(format_args!(
                "round {round} of {}: {engine}, {} pushes, {:.1} s",
                arguments.rounds,
                count(*pushes),
                done.fan_out.seconds
            ));
            grown.push(done);
        }
    }
    let steps = cases.iter().zip(&grown);
    Ok(Report {
        rounds: arguments.rounds,
        in_flight: arguments.in_flight,
        load: [load_before, load()?],
        steps: steps
            .map(|((engine, (pushes, _)), grown)| Step::of(*engine, *pushes, grown))
            .collect(),
    })
}

fn start(runtime: &Runtime, users: u64) -> anyhow::Result<Campaign> {
    let directory = TempDir::new()?;
    let recorder = runtime.block_on(Recorder::start(&directory.path().join("record")))?;
    runtime.block_on(Campaign::start(users, &recorder.address))
}

/// Expands the campaign into an engine that is started for it.
fn grow(runtime: &Runtime, engine: Engine, campaign: &Campaign, in_flight: usize) -> anyhow::Result<Grown> {
    let directory = TempDir::new()?;
    let running = runtime.block_on(engine.start(directory.path()))?;
    let fan_out = client::expand(campaign, &running.address, in_flight)?;
    let engine = Work::Insert.measure(0..GROUPS, in_flight, &running.datastore, &running.server);
    Ok(Grown {
        fan_out,
        engine: runtime.block_on(engine)?,
        engine_rss_bytes: running.server.usage()?.rss_bytes,
    })
}

impl Step {
    fn of(engine: Engine, pushes: u64, grown: &[Grown]) -> Self {
        let of = |figure: &dyn Fn(&Grown) -> f64| Spread::of(&grown.iter().map(figure).collect::<Vec<_>>());
        let pushes_written = pushes as f64;
        Self {
            engine,
            pushes,
            pushes_per_second: of(&|grown| pushes_written / grown.fan_out.seconds),
            cpu_seconds_per_million: of(&|grown| grown.fan_out.cpu_seconds / pushes_written * 1e6),
            peak_rss_bytes: of(&|grown| grown.fan_out.peak_rss_bytes as f64),
            engine_per_second: of(&|grown| grown.engine.per_second),
            engine_cpu_seconds_per_million: of(&|grown| grown.engine.server_cpu),
            engine_rss_bytes: of(&|grown| grown.engine_rss_bytes as f64),
        }
    }
}

impl fmt::Display for Report {
    /// The tables, without a line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} rounds, {} commits in flight; median (least–most)\nload of the machine {:.1} before, {:.1} after\n",
            self.rounds, self.in_flight, self.load[0], self.load[1]
        )?;
        writeln!(f, "{}\n", self.fan_out())?;
        write!(f, "{}", self.engines())
    }
}

impl Report {
    fn fan_out(&self) -> Table {
        let mut table = Table::new();
        table.row([
            &"fan-out to",
            &"pushes",
            &"pushes/s",
            &"CPU s per million",
            &"peak memory",
        ]);
        for step in &self.steps {
            table.row([
                &step.engine,
                &count(step.pushes),
                &show(step.pushes_per_second, whole),
                &show(step.cpu_seconds_per_million, hundredths),
                &show(step.peak_rss_bytes, |peak| bytes(peak as u64)),
            ]);
        }
        table
    }

    fn engines(&self) -> Table {
        let mut table = Table::new();
        table.row([
            &"engine itself",
            &"holding",
            &"entities/s",
            &"CPU s per million",
            &"resident memory",
        ]);
        for step in &self.steps {
            table.row([
                &step.engine,
                &count(step.pushes),
                &show(step.engine_per_second, whole),
                &show(step.engine_cpu_seconds_per_million, hundredths),
                &show(step.engine_rss_bytes, |resident| bytes(resident as u64)),
            ]);
        }
        table
    }
}
