//! What a check of the model came to.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use stateright::{Checker, Expectation, HasDiscoveries, Model, Path};

use super::protocol::{Action, Protocol};
use super::state::{Bounds, State};
use crate::seeded::Seeded;

/// What a check came to.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The seeded bug, if one was.
    pub bug: Option<String>,
    /// What may go wrong.
    pub bounds: Bounds,
    /// States that differ.
    pub states: usize,
    /// Steps of the longest way that was needed to reach one.
    pub depth: usize,
    /// How long it took.
    pub seconds: f64,
    /// Promises, all of which must hold.
    pub promises: usize,
    /// Promises that do not, each with the shortest way to where it is broken.
    pub broken: Vec<Broken>,
    /// What was to be reached and was not: the model is blind there.
    pub not_reached: Vec<&'static str>,
}

/// A promise that does not hold.
#[derive(Clone, Debug, Serialize)]
pub struct Broken {
    /// The promise.
    pub promise: &'static str,
    /// The steps to where it is broken.
    pub steps: Vec<String>,
}

impl Report {
    /// Whether every promise holds and everything that must be reached was.
    pub fn holds(&self) -> bool {
        self.broken.is_empty() && self.not_reached.is_empty()
    }
}

pub(super) fn of(bounds: Bounds, seeded: Seeded, threads: usize) -> Report {
    let protocol = Protocol { bounds, seeded };
    let until = if seeded.0.is_some() {
        HasDiscoveries::AnyFailures
    } else {
        HasDiscoveries::All
    };
    let began = now();
    let checker = protocol
        .checker()
        .threads(threads)
        .finish_when(until)
        .spawn_bfs()
        .join();
    let seconds = began.elapsed().as_secs_f64();
    let mut report = Report {
        bug: seeded.0.map(crate::seeded::Bug::name),
        bounds,
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        seconds,
        promises: 0,
        broken: Vec::new(),
        not_reached: Vec::new(),
    };
    let mut discoveries = checker.discoveries();
    for property in protocol.properties() {
        let discovery = discoveries.remove(property.name);
        match (property.expectation, discovery) {
            (Expectation::Sometimes, None) => report.not_reached.push(property.name),
            (Expectation::Sometimes, Some(_)) => {}
            (Expectation::Always | Expectation::Eventually, found) => {
                report.promises += 1;
                report
                    .broken
                    .extend(found.map(|path| broken(property.name, path)));
            }
        }
    }
    report
}

fn broken(promise: &'static str, path: Path<State, Action>) -> Broken {
    let actions = path.into_actions();
    Broken {
        promise,
        steps: actions.iter().map(|action| format!("{action:?}")).collect(),
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a check takes, for people")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = Duration::from_secs_f64(self.seconds);
        let Bounds {
            crashes,
            losses,
            freezes,
        } = self.bounds;
        writeln!(
            f,
            "{crashes} crashes, {losses} losses, {freezes} lost leases: {} states, at most {} steps deep, in {took:.1?}",
            self.states, self.depth
        )?;
        for broken in &self.broken {
            writeln!(f, "broken: {}", broken.promise)?;
            for (number, step) in (1..).zip(&broken.steps) {
                writeln!(f, "  {number:>3}. {step}")?;
            }
        }
        for reached in &self.not_reached {
            writeln!(f, "never reached: {reached}")?;
        }
        if self.holds() {
            writeln!(f, "all {} promises hold", self.promises)?;
        }
        Ok(())
    }
}
