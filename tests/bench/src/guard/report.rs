//! What the comparison has shown.

use std::fmt;
use std::time::Duration;

use noroshi::table::{Table, count};
use serde::Serialize;

use super::{Arguments, Side, Turn};
use crate::figures::{Spread, hundredths, show};

/// Gathers the turns.
#[derive(Debug)]
pub(super) struct Report {
    users: u64,
    rounds: u64,
    replica_runs: u32,
    turns: Vec<(Side, Turn)>,
}

/// The whole outcome; its serialised form is what `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    users: u64,
    rounds: u64,
    replica_runs_percent: u32,
    /// Of the machine, before and after.
    load: [f64; 2],
    sides: [Figures; 2],
}

/// Of one side, in seconds.
#[derive(Debug, Serialize)]
struct Figures {
    guard: Side,
    lag_max: Option<Spread>,
    lag_p99: Option<Spread>,
    lag_median: Option<Spread>,
    import: Option<Spread>,
    whole: Option<Spread>,
}

impl Report {
    pub(super) fn new(arguments: &Arguments) -> Self {
        Self {
            users: arguments.users,
            rounds: arguments.rounds,
            replica_runs: arguments.replica_runs,
            turns: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, side: Side, turn: Turn) {
        self.turns.push((side, turn));
    }

    pub(super) fn summary(&self, load: [f64; 2]) -> Summary {
        Summary {
            users: self.users,
            rounds: self.rounds,
            replica_runs_percent: self.replica_runs,
            load,
            sides: Side::ALL.map(|side| self.figures(side)),
        }
    }

    fn figures(&self, side: Side) -> Figures {
        let spread = |figure: &dyn Fn(&Turn) -> f64| {
            let turns = self.turns.iter().filter(|(of, _)| *of == side);
            Spread::of(&turns.map(|(_, turn)| figure(turn)).collect::<Vec<_>>())
        };
        let seconds = Duration::as_secs_f64;
        Figures {
            guard: side,
            lag_max: spread(&|turn| turn.lags.max),
            lag_p99: spread(&|turn| turn.lags.p99),
            lag_median: spread(&|turn| turn.lags.median),
            import: spread(&|turn| seconds(&turn.import)),
            whole: spread(&|turn| seconds(&turn.whole)),
        }
    }
}

impl Figures {
    fn named(&self) -> [(&'static str, Option<Spread>); 5] {
        [
            ("replica lag, most", self.lag_max),
            ("replica lag, 99 %", self.lag_p99),
            ("replica lag, median", self.lag_median),
            ("import", self.import),
            ("import to finish", self.whole),
        ]
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Without => "without",
            Self::With => "with",
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} users, {} rounds; the replica runs for {} % of the time; load {:.1} before, {:.1} after\n",
            count(self.users),
            self.rounds,
            self.replica_runs_percent,
            self.load[0],
            self.load[1],
        )?;
        let mut table = Table::with_header(["SECONDS", "WITHOUT GUARD", "WITH GUARD"]);
        let [without, with] = self.sides.each_ref().map(Figures::named);
        for ((name, without), (_, with)) in without.into_iter().zip(with) {
            table.row([&name, &show(without, hundredths), &show(with, hundredths)]);
        }
        write!(f, "{table}")
    }
}
