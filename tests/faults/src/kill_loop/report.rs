//! What is said of a loop in the end.

use std::fmt;
use std::path::PathBuf;

use journeys::wire::Fired;
use noroshi::table::{bytes, count};
use serde::Serialize;

use super::audit::Audit;
use crate::counts::Counts;
use crate::spread::Spread;

/// What came of a loop; its serialised form is what `--json` prints.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub(super) sql: &'static str,
    pub(super) processes: usize,
    pub(super) seed: u64,
    pub(super) seconds: f64,
    pub(super) campaigns: usize,
    #[serde(flatten)]
    pub(super) counts: Counts,
    pub(super) sent: u64,
    pub(super) grants: u64,
    /// Faults that happened, by kind.
    pub(super) faults: Fired,
    pub(super) doubled_without_reason: usize,
    pub(super) handed_over_after_cancel: usize,
    pub(super) open_transactions: u64,
    /// Of intents that reconcile closed when it first tried to, from their commit.
    pub(super) repairs: Spread,
    /// Of intents whose repair was struck as well.
    pub(super) repairs_again: Spread,
    /// Of this program: the servers and the books.
    pub(super) peak_memory_bytes: u64,
    /// Everything that is wrong.
    pub(super) wrong: Vec<String>,
    /// The command that does the same once more, and where the logs are, if anything is wrong.
    pub(super) again: Option<(String, PathBuf)>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.wrong.is_empty()
    }

    /// How many faults of that kind happened, `kill`.
    pub fn faults(&self, kind: &str) -> u64 {
        self.faults.of(kind)
    }

    /// How many messages the gateways accepted for pushes that count as sent.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) fn take(mut self, audit: Audit) -> Self {
        let Audit {
            campaigns,
            counts,
            sent,
            grants,
            doubled_without_reason,
            after_cancel,
            repairs,
            complaints,
        } = audit;
        self.campaigns = campaigns;
        self.counts = counts;
        self.sent = sent;
        self.grants = grants;
        self.doubled_without_reason = doubled_without_reason;
        self.handed_over_after_cancel = after_cancel;
        self.repairs = Spread::of(&repairs.at_once);
        self.repairs_again = Spread::of(&repairs.again);
        self.wrong.extend(complaints);
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            targets,
            lost,
            doubled_visible,
            doubled_raw,
            doubled_raw_bound,
            unrepaired,
        } = self.counts;
        let kinds = self
            .faults
            .iter()
            .map(|(kind, times)| format!("{} {kind}", count(times)));
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        writeln!(
            f,
            "{} processes on {}, seed {}: {} campaigns to {} users in {:.0} s, {} sent, {} grants",
            self.processes,
            self.sql,
            self.seed,
            self.campaigns,
            count(targets),
            self.seconds,
            count(self.sent),
            count(self.grants)
        )?;
        writeln!(f, "{} faults: {kinds}", count(self.faults.total()))?;
        writeln!(
            f,
            "lost {lost}, visible doubles {doubled_visible}, unrepaired {unrepaired}, \
             handed over after a cancel {}, open transactions {}",
            self.handed_over_after_cancel, self.open_transactions
        )?;
        writeln!(
            f,
            "raw doubles {}, of at most {}; {} without a reason",
            count(doubled_raw),
            count(doubled_raw_bound),
            self.doubled_without_reason
        )?;
        writeln!(
            f,
            "intents closed by reconcile, after their commit: {}",
            self.repairs
        )?;
        writeln!(
            f,
            "intents whose repair was struck as well: {}",
            self.repairs_again
        )?;
        write!(
            f,
            "most memory of this program, stores and books: {}",
            bytes(self.peak_memory_bytes)
        )?;
        for wrong in &self.wrong {
            write!(f, "\nwrong: {wrong}")?;
        }
        if let Some((command, logs)) = &self.again {
            write!(f, "\nagain: {command}\nlogs: {}", logs.display())?;
        }
        Ok(())
    }
}
