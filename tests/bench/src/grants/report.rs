//! What the ways took, for people and for programs.

use std::fmt;

use noroshi::table::{Table, count};
use serde::Serialize;

use super::stores::Sql;
use super::{Arguments, Way};
use crate::figures::{Spread, hundredths, show, whole};

/// A way during the comparison.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) way: Way,
    pub(super) turns: Vec<Turn>,
}

/// What one way took in one round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) users: u32,
    pub(super) seconds: f64,
    /// Of the client.
    pub(super) cpu_seconds: f64,
}

impl Standing {
    pub(super) fn new(way: Way) -> Self {
        Self {
            way,
            turns: Vec::new(),
        }
    }

    fn rates(&self) -> Vec<f64> {
        let rate = |turn: &Turn| f64::from(turn.users) / turn.seconds;
        self.turns.iter().map(rate).collect()
    }

    fn cpu(&self) -> Vec<f64> {
        let cpu = |turn: &Turn| turn.cpu_seconds / f64::from(turn.users) * 1e6;
        self.turns.iter().map(cpu).collect()
    }
}

/// The outcome on one SQL engine; its serialised form is what `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    sql: String,
    users: u32,
    pairs: u32,
    at_once: u32,
    rounds: u64,
    /// The machine's, before and after.
    load: [f64; 2],
    ways: Vec<Figures>,
    /// The rate of the rendezvous divided by that of both stores apart.
    of_apart: Option<Spread>,
    /// The rate of the rendezvous divided by that of pairs.
    of_pairs: Option<Spread>,
}

#[derive(Debug, Serialize)]
struct Figures {
    way: Way,
    users_per_second: Option<Spread>,
    client_cpu_seconds_per_million: Option<Spread>,
}

impl Report {
    pub(super) fn new(arguments: &Arguments, sql: &Sql, standings: &[Standing; 3], load: [f64; 2]) -> Self {
        let [together, apart, pairs] = standings;
        let figures = |standing: &Standing| Figures {
            way: standing.way,
            users_per_second: Spread::of(&standing.rates()),
            client_cpu_seconds_per_million: Spread::of(&standing.cpu()),
        };
        Self {
            sql: sql.to_string(),
            users: arguments.users,
            pairs: arguments.pairs,
            at_once: arguments.at_once,
            rounds: arguments.rounds,
            load,
            ways: standings.iter().map(figures).collect(),
            of_apart: Spread::of_ratios(&together.rates(), &apart.rates()),
            of_pairs: Spread::of_ratios(&together.rates(), &pairs.rates()),
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Together => "rendezvous",
            Self::Apart => "both stores apart",
            Self::Pairs => "in pairs",
        })
    }
}

impl fmt::Display for Report {
    /// A table and two ratios, without a line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} users on {}, {} chunks at once ({} users in pairs), {} rounds; median (least–most)",
            count(self.users.into()),
            self.sql,
            self.at_once,
            count(self.pairs.into()),
            self.rounds
        )?;
        writeln!(
            f,
            "load of the machine {:.1} before, {:.1} after\n",
            self.load[0], self.load[1]
        )?;
        let mut table = Table::new();
        table.row([&"granted and settled", &"users/s", &"client's CPU s per million"]);
        for figures in &self.ways {
            table.row([
                &figures.way,
                &show(figures.users_per_second, whole),
                &show(figures.client_cpu_seconds_per_million, hundredths),
            ]);
        }
        writeln!(f, "{table}\n")?;
        write!(
            f,
            "the rendezvous is {} times as fast as both stores apart, {} times as pairs",
            show(self.of_apart, hundredths),
            show(self.of_pairs, hundredths)
        )
    }
}
