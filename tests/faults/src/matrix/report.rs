//! What is said of a matrix: a line a case while it runs, the counts in the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::absent::ABSENT;
use crate::case::Case;
use crate::counts::Counts;
use crate::play::Played;
use crate::stage::{Datastore, Ground, Sql};

/// Aim of `RELIABILITY.md`: from the return of a process or a server to the end of the last open
/// intent, in all but one of a hundred repairs.
const PROMPT: Duration = Duration::from_secs(5);

/// Repairs that are named because no others took as long.
const SLOWEST: usize = 3;

/// The cases that were played.
#[derive(Debug)]
pub struct Report {
    ground: Ground,
    command: &'static str,
    cases: Vec<(Case, Played)>,
}

/// The counts; their serialised form is what `--json` prints.
#[derive(Debug, Serialize)]
pub struct Summary {
    sql: &'static str,
    datastore: &'static str,
    cases: usize,
    /// Faults that happened, by kind.
    faults: BTreeMap<&'static str, usize>,
    #[serde(flatten)]
    counts: Counts,
    repairs: usize,
    repair_seconds_p50: f64,
    repair_seconds_p99: f64,
    repair_seconds_max: f64,
    slowest_repairs: Vec<Repair>,
    /// Cases of which something did not happen, and what.
    void: Vec<String>,
    /// Points that no case is about, and why.
    absent: BTreeMap<&'static str, &'static str>,
    wrong: Vec<Wrong>,
}

/// One repair.
#[derive(Debug, Serialize)]
struct Repair {
    case: String,
    seconds: f64,
}

/// A case that is wrong.
#[derive(Debug, Serialize)]
struct Wrong {
    case: String,
    complaints: Vec<String>,
    /// The command that plays it again.
    again: String,
}

impl Report {
    pub(super) fn new(ground: &Ground, command: &'static str) -> Self {
        Self {
            ground: ground.clone(),
            command,
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
        noroshi::output::note(format_args!("{word:5} {} {case}", self.sql()));
        if !played.complaints.is_empty() {
            noroshi::output::note(format_args!("{}\n{}", played.complaints.join("\n"), played.log));
            noroshi::output::note(format_args!("again: {}", self.again(&case)));
        }
        self.cases.push((case, played));
    }

    /// Whether every fault happened and nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.cases.iter().all(|(_, played)| played.is_good())
    }

    /// Whether repairs take no longer than they should. A machine that is busy with more than
    /// the matrix makes them longer; and Google's emulator keeps the locks of a process that died
    /// for a minute, so there nothing is asked of them.
    pub fn is_prompt(&self) -> bool {
        match self.ground.datastore {
            Datastore::Embedded => quantile(&self.repairs(), 0.99) <= PROMPT.as_secs_f64(),
            Datastore::Google(_) => true,
        }
    }

    /// The command that plays the case again, on the same stores.
    fn again(&self, case: &Case) -> String {
        let mut again = format!("cargo run --release -p faults -- {} {}", self.command, case.name);
        if let Sql::MySql(server) = &self.ground.sql {
            again += &format!(" --mysql {server}");
        }
        if let Datastore::Google(address) = &self.ground.datastore {
            again += &format!(" --google {address}");
        }
        for bug in &case.bugs {
            again += &format!(" --bug {bug}");
        }
        again
    }

    fn sql(&self) -> &'static str {
        match self.ground.sql {
            Sql::Sqlite => "sqlite",
            Sql::MySql(_) => "mysql",
        }
    }

    fn repairs(&self) -> Vec<Duration> {
        let mut repairs: Vec<_> = self
            .cases
            .iter()
            .flat_map(|(_, played)| played.repairs.clone())
            .collect();
        repairs.sort_unstable();
        repairs
    }

    fn slowest_repairs(&self) -> Vec<Repair> {
        let repairs = self.cases.iter().flat_map(|(case, played)| {
            let of_case = played.repairs.iter();
            of_case.map(|took| Repair {
                case: case.name.clone(),
                seconds: took.as_secs_f64(),
            })
        });
        let mut repairs = repairs.collect::<Vec<_>>();
        repairs.sort_unstable_by(|one, other| other.seconds.total_cmp(&one.seconds));
        repairs.truncate(SLOWEST);
        repairs
    }

    /// Troubles that happened, by kind.
    fn happened(&self) -> BTreeMap<&'static str, usize> {
        let mut happened = BTreeMap::new();
        for (case, played) in &self.cases {
            for trouble in case.troubles() {
                if !played.void.contains(&trouble.to_string()) {
                    *happened.entry(trouble.kind()).or_default() += 1;
                }
            }
        }
        happened
    }

    /// The counts of all cases.
    pub fn summary(&self) -> Summary {
        let repairs = self.repairs();
        let wrong = self
            .cases
            .iter()
            .filter(|(_, played)| !played.complaints.is_empty());
        Summary {
            sql: self.sql(),
            datastore: match self.ground.datastore {
                Datastore::Embedded => "embedded",
                Datastore::Google(_) => "google",
            },
            cases: self.cases.len(),
            faults: self.happened(),
            counts: self.cases.iter().map(|(_, played)| played.counts).sum(),
            repairs: repairs.len(),
            repair_seconds_p50: quantile(&repairs, 0.5),
            repair_seconds_p99: quantile(&repairs, 0.99),
            repair_seconds_max: quantile(&repairs, 1.0),
            slowest_repairs: self.slowest_repairs(),
            void: self
                .cases
                .iter()
                .filter(|(_, played)| !played.void.is_empty())
                .map(|(case, played)| format!("{} ({})", case.name, played.void.join(", ")))
                .collect(),
            absent: ABSENT.iter().copied().collect(),
            wrong: wrong
                .map(|(case, played)| Wrong {
                    case: case.to_string(),
                    complaints: played.complaints.clone(),
                    again: self.again(case),
                })
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
            "{} cases on {} and {} Datastore: {faults} faults ({kinds}), {targets} targets",
            summary.cases, summary.sql, summary.datastore
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
        for Repair { case, seconds } in &summary.slowest_repairs {
            writeln!(f, "  {seconds:.2} s in {case}")?;
        }
        write!(
            f,
            "never happened: {}",
            if summary.void.is_empty() {
                "none".to_owned()
            } else {
                summary.void.join(", ")
            }
        )?;
        if !self.is_prompt() {
            write!(f, "\nrepairs take longer than {PROMPT:?}")?;
        }
        for (point, why) in summary.absent {
            write!(f, "\nabsent: {point}, {why}")?;
        }
        for Wrong { case, again, .. } in summary.wrong {
            write!(f, "\nwrong: {case}\n  again: {again}")?;
        }
        Ok(())
    }
}
