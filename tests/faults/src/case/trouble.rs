//! What can go wrong in a case: in the program, on the wire, at the gateway, with the clock.

use std::fmt;

use fault_points::{Action, Fault, Point};

use super::gateway::Grudge;
use super::lies::Lie;

/// One thing that goes wrong. Its text is its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    /// At a point of the program.
    Point(Fault),
    /// On the wire between the program and its stores.
    Wire(Lie),
    /// At the gateway.
    Gateway(Grudge),
    /// The process's clock is so many milliseconds ahead of everybody else's; behind, if negative.
    Clock(i64),
}

impl Trouble {
    /// The fault of the program, if it is one.
    pub fn point(&self) -> Option<Fault> {
        match self {
            Self::Point(fault) => Some(*fault),
            Self::Wire(_) | Self::Gateway(_) | Self::Clock(_) => None,
        }
    }

    /// The lie of a wire, if it is one.
    pub fn lie(&self) -> Option<Lie> {
        match self {
            Self::Wire(lie) => Some(*lie),
            Self::Point(_) | Self::Gateway(_) | Self::Clock(_) => None,
        }
    }

    /// The gateway's grudge, if it is one.
    pub fn grudge(&self) -> Option<Grudge> {
        match self {
            Self::Gateway(grudge) => Some(*grudge),
            Self::Point(_) | Self::Wire(_) | Self::Clock(_) => None,
        }
    }

    /// How far the clock is ahead, if it is that.
    pub fn clock(&self) -> Option<i64> {
        match self {
            Self::Clock(milliseconds) => Some(*milliseconds),
            Self::Point(_) | Self::Wire(_) | Self::Gateway(_) => None,
        }
    }

    /// What happens, whoever it happens to.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Point(fault) => fault.action.as_str(),
            Self::Wire(lie) => lie.name.split_once(':').map_or(lie.name, |(_, kind)| kind),
            Self::Gateway(grudge) => grudge.kind,
            Self::Clock(_) => "clock",
        }
    }

    /// Whether it can happen only while something is repaired.
    pub(super) fn is_of_repair(self) -> bool {
        match self {
            Self::Point(fault) => matches!(
                fault.point,
                Point::IntentsLeased
                    | Point::RedoRead
                    | Point::RedoAnswer
                    | Point::Redone
                    | Point::CloseAnswer
            ),
            Self::Wire(lie) => lie.name.starts_with('R'),
            Self::Gateway(_) | Self::Clock(_) => false,
        }
    }

    /// Whether SQL has committed then and Datastore, for all that the sender knows, has not: which
    /// has to be written down, whoever repairs it.
    pub fn leaves_inconsistency(self) -> bool {
        match self {
            Self::Point(fault) => fault.point == Point::DatastoreCommit,
            Self::Wire(lie) => lie.name == "S10:refuse",
            Self::Gateway(_) | Self::Clock(_) => false,
        }
    }

    /// Whether what was handed over and not settled when it happened may be handed over again by
    /// somebody else, while the process lives.
    pub fn may_double(self) -> bool {
        match self {
            Self::Point(fault) => fault.action == Action::Hang,
            Self::Wire(lie) => lie.may_double(),
            // A gateway's resets are counted.
            Self::Gateway(_) => false,
            // Its leases are too short, or begin too late.
            Self::Clock(_) => true,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // As the journal has it: whichever time it was.
            Self::Point(fault) => write!(f, "{}:{}", fault.point, fault.action),
            Self::Wire(lie) => f.write_str(lie.name),
            Self::Gateway(grudge) => write!(f, "{grudge}"),
            Self::Clock(milliseconds) => write!(f, "clock:{milliseconds}"),
        }
    }
}
