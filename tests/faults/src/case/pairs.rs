//! A sender's fault, and one of whoever repairs what it left.

use fault_points::{Action, Fault, Point};

use super::{Call, Case, HANG, LIES, Scenario, Trouble, point};

/// After which there is something to repair: by reconcile, or by the sender at once.
const SENDER: &[(Point, Action)] = &[
    (Point::SqlCommitAnswer, Action::Error),
    (Point::BetweenCommits, Action::Kill),
    (Point::BetweenCommits, Action::Hang),
    (Point::DatastoreCommit, Action::Error),
    (Point::DatastoreCommitAnswer, Action::Error),
    (Point::BeforeSends, Action::Kill),
    (Point::BeforeSends, Action::Hang),
    (Point::Accepted, Action::Kill),
    (Point::PartSettled, Action::Kill),
    (Point::BeforeTotals, Action::Kill),
    (Point::BeforeTotals, Action::Hang),
    (Point::BeforeTotals, Action::Error),
];

/// The same on the wire.
const SENDER_LIES: &[&str] = &["S7:drop_reply", "S8:late", "S10:drop_request", "S11:drop_reply"];

const REPAIR: &[Point] = &[
    Point::IntentsLeased,
    Point::RedoRead,
    Point::RedoAnswer,
    Point::Redone,
    Point::CloseAnswer,
];

/// Every pair that makes sense: a fault of a sender's that leaves something to repair, and every
/// fault of a repair.
pub fn pairs() -> Vec<Case> {
    let lies = LIES.iter().filter(|lie| SENDER_LIES.contains(&lie.name));
    let senders = SENDER
        .iter()
        .map(|(at, action)| point(*at, *action))
        .chain(lies.copied().map(Trouble::Wire))
        .collect::<Vec<_>>();
    let repairs = REPAIR.iter().flat_map(|point| Fault::all_at(*point));
    let repairs = repairs.map(Trouble::Point).collect::<Vec<_>>();
    senders
        .iter()
        .flat_map(|sender| repairs.iter().map(|repair| pair(*sender, *repair)))
        .collect()
}

fn pair(sender: Trouble, repair: Trouble) -> Case {
    let scenario = match sender {
        Trouble::Point(fault) if fault.point == Point::PartSettled => Scenario::SlowGateway,
        Trouble::Point(_) | Trouble::Wire(_) | Trouble::Gateway(_) => Scenario::DeliverFew,
    };
    let lives = if ends_the_life(sender) {
        vec![vec![sender], vec![repair]]
    } else {
        vec![vec![sender, repair]]
    };
    Case {
        name: format!("{sender}+{repair}"),
        scenario,
        lives,
        beside: None,
        hang: HANG,
        bugs: Vec::new(),
    }
}

fn ends_the_life(sender: Trouble) -> bool {
    match sender {
        Trouble::Point(fault) => fault.action == Action::Kill,
        Trouble::Wire(lie) => lie.then == super::Then::Kill && matches!(lie.call, Call::Sql(_)),
        Trouble::Gateway(_) => false,
    }
}
