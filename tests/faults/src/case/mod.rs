//! One trial: a campaign, and what goes wrong on its way.
//!
//! A case is chosen by its name, which is that of the trouble it is about: `S9:kill` at a point
//! of the program, `S7:drop_reply` on the wire, `P1:quota_exceeded` at the gateway. What a case
//! needs beside is chosen by that trouble: a slow gateway, a cancel, something to repair.

mod combined;
mod gateway;
mod lies;
mod pairs;
mod scenario;
mod trouble;

use std::fmt;
use std::time::Duration;

use fault_points::{Action, Bug, Fault, Point};

pub use combined::combined;
pub use gateway::{Gateway, Grudge, grudges};
pub use lies::{Call, LIES, Lie, SqlCommit, Then};
pub use pairs::pairs;
pub use scenario::Scenario;
pub use trouble::Trouble;

/// A fault's `hang`: longer than the sender's lease, a reconciler's, and the queue's second call.
pub const HANG: Duration = Duration::from_millis(3_500);

/// One trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What it is called, and chosen by.
    pub name: String,
    /// What is asked.
    pub scenario: Scenario,
    /// The troubles of the process's first life, of its second, and so on; it has none after
    /// that. What a wire does wrong in a life, it does from that life on.
    pub lives: Vec<Vec<Trouble>>,
    /// The troubles of a second process on the same stores, where there is one. It is started once
    /// everything has happened to the first, and not again.
    pub beside: Option<Vec<Trouble>>,
    /// How long a `hang` lasts.
    pub hang: Duration,
    /// The bugs that every process has, in every life.
    pub bugs: Vec<Bug>,
}

impl Case {
    /// A single trouble, in the scenario in which it happens.
    pub fn of(trouble: Trouble) -> Self {
        let mut lives = vec![vec![trouble]];
        if trouble.is_of_repair() {
            // There is something to repair only after this.
            lives.insert(0, vec![point(Point::BetweenCommits, Action::Kill)]);
        }
        Self {
            name: trouble.to_string(),
            scenario: scenario(trouble),
            lives,
            beside: None,
            hang: HANG,
            bugs: Vec::new(),
        }
    }

    /// Everything that has to go wrong, for the case to prove anything.
    pub fn troubles(&self) -> impl Iterator<Item = Trouble> {
        let lives = self.lives.iter().chain(&self.beside);
        lives.flatten().copied()
    }

    /// What has to go wrong on the wire, in whichever life.
    pub fn lies(&self) -> impl Iterator<Item = Lie> {
        self.troubles().filter_map(|trouble| trouble.lie())
    }

    /// The gateway of everybody's device: that whose trouble it is about.
    pub fn gateway(&self) -> Gateway {
        let mut grudges = self.troubles().filter_map(|trouble| trouble.grudge());
        grudges.next().map_or(Gateway::Fcm, |grudge| grudge.gateway)
    }

    /// Whether it can only be played with a SQL server: on its wire, or by two processes, of
    /// which SQLite's file takes one.
    pub fn needs_sql_server(&self) -> bool {
        self.beside.is_some() || self.lies().any(|lie| matches!(lie.call, Call::Sql(_)))
    }
}

/// Every single trouble, and every combination that has a name of its own.
pub fn single() -> Vec<Case> {
    single_troubles().map(Case::of).chain(combined()).collect()
}

fn single_troubles() -> impl Iterator<Item = Trouble> {
    let points = Point::ALL.iter().flat_map(|point| Fault::all_at(*point));
    points
        .map(Trouble::Point)
        .chain(LIES.iter().copied().map(Trouble::Wire))
        .chain(grudges().map(Trouble::Gateway))
}

fn point(point: Point, action: Action) -> Trouble {
    point_at(point, action, 1)
}

/// At that time that the point is reached.
fn point_at(point: Point, action: Action, at: u32) -> Trouble {
    Trouble::Point(Fault { point, action, at })
}

fn scenario(trouble: Trouble) -> Scenario {
    match trouble {
        Trouble::Point(fault) => Scenario::of(fault.point),
        Trouble::Wire(lie) => lie.scenario,
        Trouble::Gateway(_) | Trouble::Clock(_) => Scenario::Deliver,
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for bug in &self.bugs {
            write!(f, " with {bug}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own() {
        let cases = [single(), pairs()].concat();

        let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();

        assert_eq!(names.len(), cases.len());
    }

    #[test]
    fn a_repairs_trouble_has_something_to_repair() {
        let of_repair = single_troubles().filter(|trouble| trouble.is_of_repair());

        for case in of_repair.map(Case::of) {
            assert!(case.lives[0].iter().any(|trouble| {
                trouble
                    .point()
                    .is_some_and(|fault| fault.point == Point::BetweenCommits)
            }));
        }
    }

    #[test]
    fn what_needs_a_sql_server_says_so() {
        let needs = |name: &str| {
            let case = single().into_iter().find(|case| case.name == name);
            case.map(|case| case.needs_sql_server())
        };

        assert_eq!(needs("S7:drop_reply"), Some(true));
        assert_eq!(needs("R6:hang"), Some(true));
        assert_eq!(needs("S11:drop_reply"), Some(false));
        assert_eq!(needs("S9:kill"), Some(false));
    }
}
