//! A sender's fault, and one of whoever repairs what it left.

use fault_points::Action;

use super::{Case, HANG, Scenario, Then, Trouble, single_troubles};

/// After which reconcile finds something open, whether or not Datastore is behind.
const LEFT_OPEN: &[&str] = &[
    "S7:error",
    "S7:drop_reply",
    "S8:late",
    "S9:kill",
    "S9:hang",
    "S12:kill",
    "S12:hang",
    "S14:kill",
    "S22:kill",
    "S22:hang",
    "S22:error",
];

/// After which the sender itself redoes the Datastore side at once.
const REDONE_INLINE: &[&str] = &["S10:error", "S10:drop_request", "S11:error", "S11:drop_reply"];

/// What can fail of a repair by reconcile.
const REPAIR: &[&str] = &["R1:", "R2:", "R3:error", "R4:", "R5:error"];

/// What can fail of a redo, by whomever.
const REDO: &[&str] = &["R2:", "R3:error"];

/// Every pair that makes sense: a fault of a sender's that leaves something to repair, and every
/// fault of that repair.
pub fn pairs() -> Vec<Case> {
    let mut pairs = every(LEFT_OPEN, REPAIR);
    pairs.extend(every(REDONE_INLINE, REDO));
    pairs
}

fn every(senders: &[&str], repairs: &[&str]) -> Vec<Case> {
    let repairs = troubles(repairs);
    let pairs_of = |sender| repairs.iter().map(move |repair| pair(sender, *repair));
    troubles(senders).into_iter().flat_map(pairs_of).collect()
}

/// The single troubles whose names begin so.
fn troubles(names: &[&str]) -> Vec<Trouble> {
    let is_named = |trouble: &Trouble| {
        let name = trouble.to_string();
        names.iter().any(|begin| name.starts_with(begin))
    };
    single_troubles().filter(is_named).collect()
}

fn pair(sender: Trouble, repair: Trouble) -> Case {
    let lives = if ends_the_life(sender) {
        vec![vec![sender], vec![repair]]
    } else {
        vec![vec![sender, repair]]
    };
    Case {
        name: format!("{sender}+{repair}"),
        scenario: Scenario::DeliverFew,
        lives,
        beside: None,
        hang: HANG,
        bugs: Vec::new(),
    }
}

fn ends_the_life(sender: Trouble) -> bool {
    match sender {
        Trouble::Point(fault) => fault.action == Action::Kill,
        Trouble::Wire(lie) => lie.then == Then::Kill,
        Trouble::Gateway(_) | Trouble::Clock(_) => false,
    }
}
