//! What is said of an import under kills.

use std::fmt;
use std::path::PathBuf;

use noroshi::table::{bytes, count};
use serde::Serialize;

use super::audit::Outcome;

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub(super) rows: u32,
    pub(super) processes: u32,
    pub(super) sql: &'static str,
    pub(super) seed: u64,
    pub(super) wanted: u32,
    /// In each phase.
    pub(super) kills: [u32; 3],
    pub(super) seconds: f64,
    pub(super) outcome: Outcome,
    pub(super) wrong: Vec<String>,
    /// Where the logs are, if anything is wrong.
    pub(super) logs: Option<PathBuf>,
}

impl Report {
    /// Whether every row was imported once, under as many kills as were asked for.
    pub fn is_good(&self) -> bool {
        self.wrong.is_empty() && self.kills() == self.wanted
    }

    /// How often a process was killed.
    pub fn kills(&self) -> u32 {
        self.kills.iter().sum()
    }
}

impl fmt::Display for Report {
    /// Without a line end after the last line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [sort, merge, report] = self.kills;
        writeln!(
            f,
            "{} rows on {}, seed {}: {} kills of {} processes in {:.0} s, {sort} while sorting, \
             {merge} while merging, {report} while reporting",
            count(self.rows.into()),
            self.sql,
            self.seed,
            self.kills(),
            self.processes,
            self.seconds
        )?;
        write!(
            f,
            "{} of {} users are there once; a report of {}",
            count(self.outcome.once),
            count(self.outcome.users),
            bytes(self.outcome.report_bytes as u64)
        )?;
        if self.wrong.is_empty() {
            write!(f, ", the same as without a kill")?;
        }
        for wrong in &self.wrong {
            write!(f, "\nwrong: {wrong}")?;
        }
        if self.kills() < self.wanted {
            write!(
                f,
                "\nwrong: it was over after {} kills of {}",
                self.kills(),
                self.wanted
            )?;
        }
        if let Some(logs) = &self.logs {
            write!(f, "\nlogs: {}", logs.display())?;
        }
        Ok(())
    }
}
