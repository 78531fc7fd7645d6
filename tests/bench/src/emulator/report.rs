//! What the comparison found, for people and for programs.

use std::fmt;

use noroshi::table::{Table, bytes};
use serde::Serialize;
use tempfile::TempDir;

use super::Arguments;
use crate::engine::{Engine, Running};
use crate::figures::{Spread, hundredths, show, whole};
use crate::work::{Sample, Work};

/// An engine during the comparison.
pub(super) struct Standing {
    pub(super) engine: Engine,
    pub(super) running: Running,
    pub(super) directory: TempDir,
    pub(super) samples: Vec<(Work, Sample)>,
    pub(super) rss_bytes: u64,
    ready: Vec<f64>,
}

impl Standing {
    pub(super) fn new(engine: Engine, ready: Vec<f64>, running: Running, directory: TempDir) -> Self {
        Self {
            engine,
            running,
            directory,
            samples: Vec::new(),
            rss_bytes: 0,
            ready,
        }
    }

    fn of(&self, work: Work, figure: impl Fn(&Sample) -> f64) -> Vec<f64> {
        let samples = self.samples.iter().filter(|(done, _)| *done == work);
        samples.map(|(_, sample)| figure(sample)).collect()
    }
}

/// The whole outcome; its serialised form is what `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    entities: u64,
    rounds: u64,
    in_flight: usize,
    servers: Vec<Server>,
    /// Rates of the first server divided by those of the second, in the same rounds.
    ratios: Vec<Ratio>,
    /// From the start after a SIGKILL to the first answer.
    recovery_seconds: Option<Spread>,
}

#[derive(Debug, Serialize)]
struct Server {
    server: Engine,
    /// From the start to the first answer.
    ready_seconds: Option<Spread>,
    rss_bytes: u64,
    work: Vec<Figures>,
}

#[derive(Debug, Serialize)]
struct Figures {
    work: Work,
    entities_per_second: Option<Spread>,
    server_cpu_seconds_per_million: Option<Spread>,
    client_cpu_seconds_per_million: Option<Spread>,
}

#[derive(Debug, Serialize)]
struct Ratio {
    work: Work,
    of: Engine,
    to: Engine,
    ratio: Option<Spread>,
}

impl Report {
    pub(super) fn new(arguments: &Arguments, standings: Vec<Standing>, recoveries: &[f64]) -> Self {
        Self {
            entities: arguments.entities,
            rounds: arguments.rounds,
            in_flight: arguments.in_flight,
            ratios: ratios(&standings),
            servers: standings.iter().map(Server::new).collect(),
            recovery_seconds: Spread::of(recoveries),
        }
    }
}

impl Server {
    fn new(standing: &Standing) -> Self {
        let figures = |work| Figures {
            work,
            entities_per_second: Spread::of(&standing.of(work, |sample| sample.per_second)),
            server_cpu_seconds_per_million: Spread::of(&standing.of(work, |sample| sample.server_cpu)),
            client_cpu_seconds_per_million: Spread::of(&standing.of(work, |sample| sample.client_cpu)),
        };
        Self {
            server: standing.engine,
            ready_seconds: Spread::of(&standing.ready),
            rss_bytes: standing.rss_bytes,
            work: Work::ALL.map(figures).into(),
        }
    }
}

fn ratios(standings: &[Standing]) -> Vec<Ratio> {
    let Some(google) = standings
        .iter()
        .find(|standing| standing.engine == Engine::Google)
    else {
        return Vec::new();
    };
    let ours = || {
        standings
            .iter()
            .filter(|standing| standing.engine != Engine::Google)
    };
    let rate = |sample: &Sample| sample.per_second;
    let ratios = Work::ALL.into_iter().flat_map(|work| {
        ours().map(move |ours| Ratio {
            work,
            of: ours.engine,
            to: google.engine,
            ratio: Spread::of_ratios(&ours.of(work, rate), &google.of(work, rate)),
        })
    });
    ratios.collect()
}

impl fmt::Display for Report {
    /// The tables, without a line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entities, rounds, .. } = self;
        writeln!(
            f,
            "{} entities, {rounds} rounds, {} writes in flight; median (least–most)\n",
            noroshi::table::count(*entities),
            self.in_flight
        )?;
        writeln!(f, "{}\n", self.work())?;
        writeln!(f, "{}\n", self.processes())?;
        if !self.ratios.is_empty() {
            writeln!(f, "{}\n", self.comparison())?;
        }
        write!(
            f,
            "first answer after a kill -9 of the durable server: {} s",
            show(self.recovery_seconds, hundredths)
        )
    }
}

impl Report {
    fn work(&self) -> Table {
        let mut table = Table::new();
        table.row([
            &"work",
            &"server",
            &"entities/s",
            &"server CPU s per million",
            &"client's",
        ]);
        for work in Work::ALL {
            for server in &self.servers {
                for figures in server.work.iter().filter(|figures| figures.work == work) {
                    table.row([
                        &work,
                        &server.server,
                        &show(figures.entities_per_second, whole),
                        &show(figures.server_cpu_seconds_per_million, hundredths),
                        &show(figures.client_cpu_seconds_per_million, hundredths),
                    ]);
                }
            }
        }
        table
    }

    fn processes(&self) -> Table {
        let mut table = Table::new();
        table.row([&"server", &"ready after s", &"resident memory in the end"]);
        for server in &self.servers {
            table.row([
                &server.server,
                &show(server.ready_seconds, hundredths),
                &bytes(server.rss_bytes),
            ]);
        }
        table
    }

    fn comparison(&self) -> Table {
        let mut table = Table::new();
        table.row([&"ratio of", &"to google's"]);
        for ratio in &self.ratios {
            table.row([
                &format_args!("{} entities/s, {}", ratio.work, ratio.of),
                &show(ratio.ratio, hundredths),
            ]);
        }
        for server in self
            .servers
            .iter()
            .filter(|server| server.server != Engine::Google)
        {
            if let Some(ratio) = self.memory_ratio(server) {
                table.row([&format_args!("memory, {}", server.server), &hundredths(ratio)]);
            }
        }
        table
    }

    fn memory_ratio(&self, server: &Server) -> Option<f64> {
        let google = self
            .servers
            .iter()
            .find(|server| server.server == Engine::Google)?;
        Some(server.rss_bytes as f64 / google.rss_bytes as f64)
    }
}
