//! What the comparison has shown.

use std::fmt;

use noroshi::table::{Table, bytes, count};
use serde::Serialize;

use super::Side;
use super::client::Sample;
use super::file::AudienceFile;
use crate::figures::{Spread, hundredths, show, whole};

/// The outcome for one file; its serialised form is what `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    rows: u64,
    file_bytes: u64,
    rounds: u64,
    /// Of the machine, before and after.
    load: [f64; 2],
    sides: Vec<Figures>,
}

/// Of one side.
#[derive(Debug, Serialize)]
struct Figures {
    side: Side,
    samples: Vec<Sample>,
    rows_per_second: Option<Spread>,
    bytes_per_second: Option<Spread>,
    cpu_seconds_per_million: Option<Spread>,
    peak_rss_bytes: Option<Spread>,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "noroshi, SQLite",
            Self::MariaDb => "noroshi, MariaDB",
            Self::Reader => "csv reader alone",
            Self::HashSet => "csv reader, ids in a HashSet",
            Self::LoadData => "LOAD DATA LOCAL INFILE",
        })
    }
}

impl Report {
    pub(super) fn new(file: &AudienceFile, rounds: u64, load: f64) -> Self {
        Self {
            rows: file.rows,
            file_bytes: file.bytes,
            rounds,
            load: [load, load],
            sides: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, side: Side, sample: Sample) {
        let (rows, file_bytes) = (self.rows as f64, self.file_bytes as f64);
        let place = self.sides.iter().position(|figures| figures.side == side);
        let place = place.unwrap_or_else(|| {
            self.sides.push(Figures::new(side));
            self.sides.len() - 1
        });
        let figures = &mut self.sides[place];
        figures.samples.push(sample);
        let of = |figure: &dyn Fn(&Sample) -> Option<f64>| {
            Spread::of(&figures.samples.iter().filter_map(figure).collect::<Vec<_>>())
        };
        figures.rows_per_second = of(&|sample| Some(rows / sample.seconds));
        figures.bytes_per_second = of(&|sample| Some(file_bytes / sample.seconds));
        figures.cpu_seconds_per_million = of(&|sample| Some(sample.cpu_seconds? / rows * 1e6));
        figures.peak_rss_bytes = of(&|sample| Some(sample.peak_rss_bytes? as f64));
    }

    pub(super) fn end(&mut self, load: f64) {
        self.load[1] = load;
    }

    /// How many times as fast as another, round by round.
    fn ratio(&self, figures: &Figures, other: Side) -> Option<Spread> {
        let other = self.sides.iter().find(|figures| figures.side == other)?;
        let seconds =
            |figures: &Figures| -> Vec<f64> { figures.samples.iter().map(|sample| sample.seconds).collect() };
        Spread::of_ratios(&seconds(other), &seconds(figures))
    }
}

impl Figures {
    fn new(side: Side) -> Self {
        Self {
            side,
            samples: Vec::new(),
            rows_per_second: None,
            bytes_per_second: None,
            cpu_seconds_per_million: None,
            peak_rss_bytes: None,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} rows, {}; {} rounds; median (least–most)\nload of the machine {:.1} before, {:.1} after\n",
            count(self.rows),
            bytes(self.file_bytes),
            self.rounds,
            self.load[0],
            self.load[1]
        )?;
        let mut table = Table::with_header([
            "reader",
            "rows/s",
            "MB/s",
            "CPU s per million",
            "peak memory",
            "× HashSet",
            "× LOAD DATA",
        ]);
        for figures in &self.sides {
            table.row([
                &figures.side,
                &show(figures.rows_per_second, whole),
                &show(figures.bytes_per_second, |rate| hundredths(rate / 1e6)),
                &show(figures.cpu_seconds_per_million, hundredths),
                &show(figures.peak_rss_bytes, |peak| bytes(peak as u64)),
                &show(self.ratio(figures, Side::HashSet), hundredths),
                &show(self.ratio(figures, Side::LoadData), hundredths),
            ]);
        }
        writeln!(f, "{table}")
    }
}
