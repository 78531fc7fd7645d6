//! One trial: a campaign, and what goes wrong on its way.

use std::fmt;

use fault_points::{Action, Bug, Fault, Point};

/// What is asked of the process under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Everybody gets the push, most a coupon, some at the second try.
    Deliver,
    /// The same for so many that the import takes several batches.
    DeliverMany,
    /// The same with a gateway so slow that results are settled in several parts.
    SlowGateway,
    /// The campaign is cancelled when part of it is sent.
    Cancel,
}

/// One trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What is asked.
    pub scenario: Scenario,
    /// The faults of the process's first life, of its second, and so on; it has none after that.
    pub lives: Vec<Vec<Fault>>,
    /// The bugs that the process has, in every life.
    pub bugs: Vec<Bug>,
}

impl Case {
    /// A single fault, in the scenario in which its point is reached.
    pub fn of(fault: Fault) -> Self {
        let mut lives = vec![vec![fault]];
        if is_repair(fault.point) {
            // There is something to repair only after this.
            lives.insert(0, vec![kill(Point::BetweenCommits)]);
        }
        Self {
            scenario: scenario(fault.point),
            lives,
            bugs: Vec::new(),
        }
    }

    /// The faults that must have happened, as the journal has them.
    pub fn faults(&self) -> impl Iterator<Item = String> {
        self.lives
            .iter()
            .flatten()
            .map(|fault| format!("{}:{}", fault.point, fault.action))
    }
}

fn kill(point: Point) -> Fault {
    Fault {
        point,
        action: Action::Kill,
        at: 1,
    }
}

fn is_repair(point: Point) -> bool {
    matches!(
        point,
        Point::IntentsLeased | Point::RedoRead | Point::RedoAnswer | Point::Redone | Point::CloseAnswer
    )
}

fn scenario(point: Point) -> Scenario {
    match point {
        Point::BatchCommitAnswer | Point::BatchStored => Scenario::DeliverMany,
        Point::PartSettled => Scenario::SlowGateway,
        Point::ChunksCancelled => Scenario::Cancel,
        _ => Scenario::Deliver,
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let life = |faults: &Vec<Fault>| {
            faults
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(",")
        };
        let lives = self.lives.iter().map(life).collect::<Vec<_>>().join(" then ");
        f.write_str(&lives)?;
        for bug in &self.bugs {
            write!(f, " with {bug}")?;
        }
        Ok(())
    }
}
