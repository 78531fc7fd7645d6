//! What the comparison found, for people and for programs.

use std::fmt;

use noroshi::table::{Table, bytes, count};
use serde::Serialize;

use super::Arguments;
use super::client::Client;
use super::workload::Workload;
use crate::engine::Engine;
use crate::figures::{Spread, hundredths, show, whole};
use crate::sample::Sample;

/// A client during the comparison.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) client: Client,
    pub(super) turns: Vec<Turn>,
}

/// What one client took in one round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) sample: Sample,
    pub(super) engine_cpu_seconds: f64,
}

impl Standing {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            turns: Vec::new(),
        }
    }

    fn of(&self, figure: impl Fn(&Turn) -> f64) -> Vec<f64> {
        self.turns.iter().map(figure).collect()
    }
}

/// The whole outcome; its serialised form is what `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    engine: Engine,
    /// Markers and pushes.
    entities: u64,
    /// Of one entity on the wire, with its share of the commit.
    bytes_per_entity: u64,
    rounds: u64,
    in_flight: u64,
    /// The machine's, before and after.
    load: [f64; 2],
    clients: Vec<Figures>,
    /// The product's figures against each of the others', in the same rounds.
    ratios: Vec<Ratio>,
}

#[derive(Debug, Serialize)]
struct Figures {
    client: Client,
    entities_per_second: Option<Spread>,
    cpu_seconds_per_million: Option<Spread>,
    peak_rss_bytes: Option<Spread>,
    engine_cpu_seconds_per_million: Option<Spread>,
}

/// How many times better the product is.
#[derive(Debug, Serialize)]
struct Ratio {
    than: Client,
    faster: Option<Spread>,
    less_cpu: Option<Spread>,
    less_memory: Option<Spread>,
}

impl Report {
    pub(super) fn new(
        arguments: &Arguments,
        engine: Engine,
        workload: &Workload,
        standings: &[Standing],
        load: [f64; 2],
    ) -> Self {
        let entities = workload.entities;
        let figures = |standing: &Standing| {
            let per_million = 1e6 / entities as f64;
            Figures {
                client: standing.client,
                entities_per_second: Spread::of(&standing.of(|turn| entities as f64 / turn.sample.seconds)),
                cpu_seconds_per_million: Spread::of(
                    &standing.of(|turn| turn.sample.cpu_seconds * per_million),
                ),
                peak_rss_bytes: Spread::of(&standing.of(|turn| turn.sample.peak_rss_bytes as f64)),
                engine_cpu_seconds_per_million: Spread::of(
                    &standing.of(|turn| turn.engine_cpu_seconds * per_million),
                ),
            }
        };
        let (ours, others): (Vec<_>, Vec<_>) = standings
            .iter()
            .partition(|standing| standing.client == Client::Ours);
        let ratios = ours
            .into_iter()
            .flat_map(|ours| others.iter().map(|other| Ratio::of(ours, other)));
        Self {
            engine,
            entities,
            bytes_per_entity: workload.bytes / entities,
            rounds: arguments.rounds,
            in_flight: arguments.in_flight,
            load,
            clients: standings.iter().map(figures).collect(),
            ratios: ratios.collect(),
        }
    }
}

impl Ratio {
    fn of(ours: &Standing, other: &Standing) -> Self {
        let times = |figure: &dyn Fn(&Turn) -> f64| Spread::of_ratios(&other.of(figure), &ours.of(figure));
        Self {
            than: other.client,
            faster: times(&|turn| turn.sample.seconds),
            less_cpu: times(&|turn| turn.sample.cpu_seconds),
            less_memory: times(&|turn| turn.sample.peak_rss_bytes as f64),
        }
    }
}

impl fmt::Display for Report {
    /// The tables, without a line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} entities of {} bytes to {}, {} rounds, {} commits in flight; median (least–most)",
            count(self.entities),
            self.bytes_per_entity,
            self.engine,
            self.rounds,
            self.in_flight
        )?;
        writeln!(
            f,
            "load of the machine {:.1} before, {:.1} after\n",
            self.load[0], self.load[1]
        )?;
        writeln!(f, "{}\n", self.clients())?;
        write!(f, "{}", self.ratios())
    }
}

impl Report {
    fn clients(&self) -> Table {
        let mut table = Table::new();
        table.row([
            &"client",
            &"entities/s",
            &"CPU s per million",
            &"peak memory",
            &"engine's CPU s per million",
        ]);
        for figures in &self.clients {
            table.row([
                &figures.client,
                &show(figures.entities_per_second, whole),
                &show(figures.cpu_seconds_per_million, hundredths),
                &show(figures.peak_rss_bytes, |peak| bytes(peak as u64)),
                &show(figures.engine_cpu_seconds_per_million, hundredths),
            ]);
        }
        table
    }

    fn ratios(&self) -> Table {
        let mut table = Table::new();
        table.row([
            &"noroshi against",
            &"times as fast",
            &"times less CPU",
            &"times less memory",
        ]);
        for ratio in &self.ratios {
            table.row([
                &ratio.than,
                &show(ratio.faster, hundredths),
                &show(ratio.less_cpu, hundredths),
                &show(ratio.less_memory, hundredths),
            ]);
        }
        table
    }
}
