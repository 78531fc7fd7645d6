//! What is said of a campaign under kills.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use noroshi::table::count;
use serde::{Serialize, Serializer};

use super::audit::Holding;
use crate::spread::Spread;

/// What came of it.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) users: u32,
    pub(super) chunks: u32,
    pub(super) processes: u32,
    pub(super) sql: &'static str,
    pub(super) seed: u64,
    pub(super) wanted: u32,
    pub(super) kills: u32,
    pub(super) seconds: f64,
    /// Commits that were sent.
    pub(super) commits: u64,
    /// Keys that one process has looked up in one life, at most.
    pub(super) looked_up: u64,
    pub(super) recoveries: Vec<Recovery>,
    pub(super) holding: Holding,
    pub(super) whole: Holding,
    /// Where the logs are, if anything is wrong.
    pub(super) logs: Option<PathBuf>,
}

/// A process that was killed and started again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recovery {
    /// From its start to its first commit.
    pub(super) after: Duration,
    /// Whether that was in the campaign's second half.
    pub(super) second_half: bool,
}

impl Report {
    /// Whether every chunk was expanded once, under as many kills as were asked for.
    pub fn is_good(&self) -> bool {
        self.wrong().is_empty()
    }

    /// How often a process was killed.
    pub fn kills(&self) -> u32 {
        self.kills
    }

    fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let (holding, whole) = (self.holding, self.whole);
        if holding != whole {
            wrong.push(format!("Datastore holds {holding:?}, and not {whole:?}"));
        }
        if self.kills < self.wanted {
            let (kills, wanted) = (self.kills, self.wanted);
            wrong.push(format!("it was over after {kills} kills of {wanted}"));
        }
        wrong
    }

    /// From a start to the first commit: of all, and in each half of the campaign.
    fn recoveries(&self) -> [Spread; 3] {
        [None, Some(false), Some(true)].map(|second_half| {
            let wanted = |recovery: &&Recovery| second_half.is_none_or(|half| recovery.second_half == half);
            let mut times: Vec<_> = self
                .recoveries
                .iter()
                .filter(wanted)
                .map(|recovery| recovery.after)
                .collect();
            times.sort_unstable();
            Spread::of(&times)
        })
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Printed<'a> {
            users: u32,
            chunks: u32,
            processes: u32,
            sql: &'a str,
            seed: u64,
            kills: u32,
            seconds: f64,
            commits: u64,
            holding: Holding,
            recoveries: Spread,
            recoveries_first_half: Spread,
            recoveries_second_half: Spread,
            looked_up: u64,
            wrong: Vec<String>,
        }
        let [recoveries, recoveries_first_half, recoveries_second_half] = self.recoveries();
        Printed {
            users: self.users,
            chunks: self.chunks,
            processes: self.processes,
            sql: self.sql,
            seed: self.seed,
            kills: self.kills,
            seconds: self.seconds,
            commits: self.commits,
            holding: self.holding,
            recoveries,
            recoveries_first_half,
            recoveries_second_half,
            looked_up: self.looked_up,
            wrong: self.wrong(),
        }
        .serialize(serializer)
    }
}

impl fmt::Display for Report {
    /// Without a line end after the last line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holding {
            markers,
            sizes,
            pushes,
            reached,
        } = self.holding;
        writeln!(
            f,
            "{} users in {} chunks on {}, seed {}: {} kills of {} processes in {:.0} s",
            count(self.users.into()),
            count(self.chunks.into()),
            self.sql,
            self.seed,
            self.kills,
            self.processes,
            self.seconds
        )?;
        writeln!(
            f,
            "{} markers of {} users together, {} pushes, {} users with exactly one; {} commits were sent",
            count(markers as u64),
            count(sizes),
            count(pushes as u64),
            count(reached as u64),
            count(self.commits)
        )?;
        let [all, first, second] = self.recoveries();
        writeln!(f, "from a start to the first commit: {all}")?;
        writeln!(f, "  in the campaign's first half: {first}")?;
        writeln!(f, "  in its second half: {second}")?;
        write!(
            f,
            "markers that one process asked for in one life: {} at most",
            count(self.looked_up)
        )?;
        for wrong in self.wrong() {
            write!(f, "\nwrong: {wrong}")?;
        }
        if let Some(logs) = &self.logs {
            write!(f, "\nlogs: {}", logs.display())?;
        }
        Ok(())
    }
}
