//! What is to happen where, as the environment says.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::bug::Bug;
use crate::point::{Point, Ways};

/// How long a hang lasts if nothing else is said.
const HANG: Duration = Duration::from_secs(10);

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// SIGKILL to the process itself.
    Kill,
    /// It waits.
    Hang,
    /// It takes the way of a failure.
    Error,
}

/// A fault that happens once. Its text is as in the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// Where.
    pub point: Point,
    /// What.
    pub action: Action,
    /// The time that the point is reached, counted from 1.
    pub at: u32,
}

impl Fault {
    /// Every fault of one kind that can happen at a point, at the first time it is reached.
    pub fn all_at(point: Point) -> impl Iterator<Item = Self> {
        let actions: &[Action] = match point.ways() {
            Ways::KillHang => &[Action::Kill, Action::Hang],
            Ways::KillHangError => &[Action::Kill, Action::Hang, Action::Error],
            Ways::Error => &[Action::Error],
        };
        actions.iter().map(move |action| Self {
            point,
            action: *action,
            at: 1,
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.point, self.action)?;
        match self.at {
            1 => Ok(()),
            at => write!(f, "@{at}"),
        }
    }
}

/// Everything that this process is to do wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) faults: Vec<Fault>,
    pub(crate) bugs: Vec<Bug>,
    pub(crate) hang: Duration,
    /// How far its clock is ahead of the machine's; behind, if negative.
    pub(crate) clock_ms: i64,
}

impl Plan {
    /// The plan of the variables that `variable` gives, or what is wrong with them.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let hang = match variable("NOROSHI_FAULT_HANG_MS") {
            Some(milliseconds) => Duration::from_millis(
                milliseconds
                    .parse()
                    .map_err(|error| format!("NOROSHI_FAULT_HANG_MS: {error}"))?,
            ),
            None => HANG,
        };
        let clock_ms = match variable("NOROSHI_FAULT_CLOCK_MS") {
            Some(milliseconds) => milliseconds
                .parse()
                .map_err(|error| format!("NOROSHI_FAULT_CLOCK_MS: {error}"))?,
            None => 0,
        };
        Ok(Self {
            faults: list("NOROSHI_FAULTS", &variable)?,
            bugs: list("NOROSHI_BUGS", &variable)?,
            hang,
            clock_ms,
        })
    }
}

fn list<T>(name: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Vec<T>, String>
where
    T: FromStr<Err: fmt::Display>,
{
    let text = variable(name).unwrap_or_default();
    let items = text.split(',').filter(|item| !item.is_empty());
    items
        .map(|item| item.parse().map_err(|error| format!("{name}: `{item}`: {error}")))
        .collect()
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (what, at) = match text.split_once('@') {
            Some((what, at)) => (what, at.parse().map_err(|_| "after @ must be a number")?),
            None => (text, 1),
        };
        let (point, action) = what
            .split_once(':')
            .ok_or("must be a point, a colon and an action, as in S9:kill")?;
        let point: Point = point.parse().map_err(|error| format!("{error}"))?;
        let possible = Self::all_at(point).find(|fault| fault.action.as_str() == action);
        match possible {
            Some(fault) => Ok(Self { at, ..fault }),
            None => Err(format!("`{action}` cannot happen at {point}")),
        }
    }
}

impl Action {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Hang => "hang",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(faults: &'static str) -> Result<Plan, String> {
        Plan::read(|name| (name == "NOROSHI_FAULTS").then(|| faults.to_owned()))
    }

    #[test]
    fn a_fault_is_read_as_it_is_written() {
        let text = "S9:kill,R1:hang@2";

        let plan = read(text).unwrap();

        let expected = [
            Fault {
                point: Point::BetweenCommits,
                action: Action::Kill,
                at: 1,
            },
            Fault {
                point: Point::IntentsLeased,
                action: Action::Hang,
                at: 2,
            },
        ];
        assert_eq!(plan.faults, expected);
        assert_eq!(expected.map(|fault| fault.to_string()).join(","), text);
    }

    #[test]
    fn a_fault_that_cannot_happen_is_refused() {
        for wrong in ["S99:kill", "S9", "S9:error", "S7:kill", "S9:kill@x", "S9:explode"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_code_and_every_name_is_found_again() {
        for point in Point::ALL {
            assert_eq!(point.code().parse(), Ok(*point));
        }
        for bug in Bug::ALL {
            assert_eq!(bug.name().parse(), Ok(*bug));
        }
    }
}
