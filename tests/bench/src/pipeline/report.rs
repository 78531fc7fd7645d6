//! What the journeys took, for people and for programs.

use std::fmt;

use noroshi::table::{Table, bytes, count};
use serde::Serialize;

use super::engines::Engines;
use super::journey::{Coupon, Journey};
use crate::figures::{Spread, hundredths, show, whole};

/// Journeys, by case.
#[derive(Debug)]
pub(super) struct Report {
    users: u64,
    rounds: u64,
    cases: Vec<Case>,
    large: Option<(u64, Journey)>,
}

#[derive(Debug)]
struct Case {
    engines: String,
    coupon: Coupon,
    journeys: Vec<Journey>,
}

/// The whole outcome; its serialised form is what `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    users: u64,
    rounds: u64,
    cases: Vec<Figures>,
    large: Option<Large>,
}

#[derive(Debug, Serialize)]
struct Figures {
    engines: String,
    coupon: Coupon,
    /// Items per second of each stage, in the order of the journey.
    stages: Vec<(String, Option<Spread>)>,
    cpu_seconds_per_million: Option<Spread>,
    peak_rss_bytes: Option<Spread>,
}

/// One campaign that is larger, on embedded stores with a coupon.
#[derive(Debug, Serialize)]
struct Large {
    users: u64,
    cpu_seconds_per_million: f64,
    peak_rss_bytes: u64,
    /// Divided by the median of the same case with fewer users.
    peak_rss_ratio: Option<f64>,
}

impl Report {
    /// Of no journeys yet.
    pub(super) fn new(users: u64, rounds: u64) -> Self {
        Self {
            users,
            rounds,
            cases: Vec::new(),
            large: None,
        }
    }

    pub(super) fn add(&mut self, engines: &Engines, coupon: Coupon, journey: Journey) {
        let engines = engines.to_string();
        let known = self
            .cases
            .iter_mut()
            .find(|case| case.engines == engines && case.coupon == coupon);
        match known {
            Some(case) => case.journeys.push(journey),
            None => self.cases.push(Case {
                engines,
                coupon,
                journeys: vec![journey],
            }),
        }
    }

    pub(super) fn set_large(&mut self, users: u64, journey: Journey) {
        self.large = Some((users, journey));
    }

    pub(super) fn summary(&self) -> Summary {
        let cases: Vec<_> = self.cases.iter().map(Case::figures).collect();
        // The first case is the one on embedded stores with a coupon, as the large one is.
        let small = cases
            .first()
            .and_then(|case| case.peak_rss_bytes)
            .map(|peak| peak.median);
        let large = self.large.as_ref().map(|(users, journey)| Large {
            users: *users,
            cpu_seconds_per_million: journey.cpu_seconds_per_million,
            peak_rss_bytes: journey.peak_rss_bytes,
            peak_rss_ratio: small.map(|small| journey.peak_rss_bytes as f64 / small),
        });
        Summary {
            users: self.users,
            rounds: self.rounds,
            cases,
            large,
        }
    }
}

impl Case {
    fn figures(&self) -> Figures {
        let of = |figure: &dyn Fn(&Journey) -> f64| {
            Spread::of(&self.journeys.iter().map(figure).collect::<Vec<_>>())
        };
        let names = self
            .journeys
            .first()
            .into_iter()
            .flat_map(|journey| &journey.stages);
        let stages = names.map(|(name, _)| {
            let of_stage = |journey: &Journey| {
                let mut stages = journey.stages.iter();
                stages.find_map(|(stage, rate)| (stage == name).then_some(*rate))
            };
            let rates: Vec<_> = self.journeys.iter().filter_map(of_stage).collect();
            (name.clone(), Spread::of(&rates))
        });
        Figures {
            engines: self.engines.clone(),
            coupon: self.coupon,
            stages: stages.collect(),
            cpu_seconds_per_million: of(&|journey| journey.cpu_seconds_per_million),
            peak_rss_bytes: of(&|journey| journey.peak_rss_bytes as f64),
        }
    }
}

impl fmt::Display for Summary {
    /// The tables, without a line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} users, {} rounds; median (least–most)\n",
            count(self.users),
            self.rounds
        )?;
        let mut table = Table::new();
        for case in &self.cases {
            let name = format!("{}, {}", case.engines, case.coupon);
            for (stage, rate) in &case.stages {
                table.row([&name, &format!("{stage}, per second"), &show(*rate, whole)]);
            }
            let cpu = show(case.cpu_seconds_per_million, hundredths);
            table.row([&name, &"CPU seconds per million pushes", &cpu]);
            let peak = show(case.peak_rss_bytes, |peak| bytes(peak as u64));
            table.row([&name, &"peak memory", &peak]);
        }
        write!(f, "{table}")?;
        if let Some(large) = &self.large {
            write!(
                f,
                "\n\n{} users, embedded, with coupon: peak memory {}, {} times that of {}; {} CPU seconds per \
                 million pushes",
                count(large.users),
                bytes(large.peak_rss_bytes),
                large.peak_rss_ratio.map_or_else(|| "–".to_owned(), hundredths),
                count(self.users),
                hundredths(large.cpu_seconds_per_million),
            )?;
        }
        Ok(())
    }
}
