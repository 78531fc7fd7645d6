//! What is said of a matrix: a line a case while it runs, the counts in the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::case::Case;
use crate::counts::Counts;
use crate::play::Played;
use crate::stage::Sql;

/// The cases that were played.
#[derive(Debug)]
pub struct Report {
    sql: &'static str,
    cases: Vec<(Case, Played)>,
}

/// The counts; their serialised form is what `--json` prints.
#[derive(Debug, Serialize)]
pub struct Summary {
    sql: &'static str,
    cases: usize,
    /// Faults that happened, by kind.
    faults: BTreeMap<String, usize>,
    #[serde(flatten)]
    counts: Counts,
    repairs: usize,
    repair_seconds_p50: f64,
    repair_seconds_p99: f64,
    repair_seconds_max: f64,
    /// Faults that were planned and did not happen.
    void: Vec<String>,
    /// What is wrong, by case.
    wrong: BTreeMap<String, Vec<String>>,
}

impl Report {
    pub(super) fn new(sql: &Sql) -> Self {
        let sql = match sql {
            Sql::Sqlite => "sqlite",
            Sql::MySql(_) => "mysql",
        };
        Self {
            sql,
            cases: Vec::new(),
        }
    }

    /// Takes a case, and says how it went.
    pub(super) fn add(&mut self, case: Case, played: Played) {
        let word = if !played.complaints.is_empty() {
            "WRONG"
        } else if !played.void.is_empty() {
            "void"
        } else {
            "good"
        };
        noroshi::output::note(format_args!("{word:5} {} {case}", self.sql));
        if !played.complaints.is_empty() {
            noroshi::output::note(format_args!("{}\n{}", played.complaints.join("\n"), played.log));
            noroshi::output::note(format_args!(
                "again: cargo run --release -p faults -- matrix {case}"
            ));
        }
        self.cases.push((case, played));
    }

    /// Whether every fault happened and nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.cases.iter().all(|(_, played)| played.is_good())
    }

    /// Whether the books of a case are wrong.
    pub fn is_wrong(&self) -> bool {
        self.cases.iter().any(|(_, played)| !played.complaints.is_empty())
    }

    /// The counts of all cases.
    pub fn summary(&self) -> Summary {
        let mut faults = BTreeMap::new();
        for (case, played) in &self.cases {
            for fault in case.faults().filter(|fault| !played.void.contains(fault)) {
                let kind = fault.split(':').nth(1).unwrap_or_default().to_owned();
                *faults.entry(kind).or_default() += 1;
            }
        }
        let mut repairs: Vec<_> = self
            .cases
            .iter()
            .flat_map(|(_, played)| played.repairs.clone())
            .collect();
        repairs.sort_unstable();
        let wrong = self
            .cases
            .iter()
            .filter(|(_, played)| !played.complaints.is_empty());
        Summary {
            sql: self.sql,
            cases: self.cases.len(),
            faults,
            counts: self.cases.iter().map(|(_, played)| played.counts).sum(),
            repairs: repairs.len(),
            repair_seconds_p50: quantile(&repairs, 0.5),
            repair_seconds_p99: quantile(&repairs, 0.99),
            repair_seconds_max: quantile(&repairs, 1.0),
            void: self
                .cases
                .iter()
                .flat_map(|(_, played)| played.void.clone())
                .collect(),
            wrong: wrong
                .map(|(case, played)| (case.to_string(), played.complaints.clone()))
                .collect(),
        }
    }
}

/// The least value that so great a share of all does not exceed, in seconds; 0 of none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place in a short list"
)]
fn quantile(sorted: &[Duration], share: f64) -> f64 {
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted
        .get(place.saturating_sub(1))
        .map_or(0.0, Duration::as_secs_f64)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let summary = self.summary();
        let Counts {
            targets,
            lost,
            doubled_visible,
            doubled_raw,
            doubled_raw_bound,
            unrepaired,
        } = summary.counts;
        let faults: usize = summary.faults.values().sum();
        let kinds = summary
            .faults
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"));
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        writeln!(
            f,
            "{} cases on {}: {faults} faults ({kinds}), {targets} targets",
            summary.cases, summary.sql
        )?;
        writeln!(
            f,
            "lost {lost}, visible doubles {doubled_visible}, unrepaired {unrepaired}"
        )?;
        writeln!(f, "raw doubles {doubled_raw}, of at most {doubled_raw_bound}")?;
        writeln!(
            f,
            "{} repairs after a return: p50 {:.2} s, p99 {:.2} s, max {:.2} s",
            summary.repairs,
            summary.repair_seconds_p50,
            summary.repair_seconds_p99,
            summary.repair_seconds_max
        )?;
        write!(
            f,
            "never happened: {}",
            if summary.void.is_empty() {
                "none".to_owned()
            } else {
                summary.void.join(", ")
            }
        )?;
        for case in summary.wrong.keys() {
            write!(f, "\nwrong: {case}")?;
        }
        Ok(())
    }
}
