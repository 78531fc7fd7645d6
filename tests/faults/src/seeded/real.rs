//! Puts every bug into the real program, one after the other, and tells which case of the matrix
//! finds it.
//!
//! The same cases are played without a bug as well: what finds something there finds nothing.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use fault_points::Bug;

use super::hunt::{Found, Hunt};
use crate::case::{self, Case};
use crate::command;
use crate::matrix::{choose, each};
use crate::stage::{Datastore, Ground, Sql};

/// Cases of which at least one finds the bug, on SQLite and the embedded Datastore.
pub fn finders(bug: Bug) -> &'static [&'static str] {
    match bug {
        Bug::CursorApart => &["I5:kill"],
        Bug::MarkerApart => &["F2:kill"],
        Bug::MarkerTakenForForeign => &["F3:error"],
        Bug::UnknownTakenForExpanded => &["F4:error"],
        Bug::MarkPassesUnexpanded => &["F5:left_behind"],
        Bug::TimerCleared => &["D2:kill"],
        Bug::LeaseNotAsked => &["Q3:twice", "Q2:late"],
        Bug::LeaseForEver => &["S12:kill"],
        Bug::StockReservedAgain => &["S19:kill"],
        Bug::StockNotAsked => &["S12:kill"],
        Bug::NoIntent | Bug::IntentClosedUnseen => &["S9:cancelled"],
        Bug::DatastoreFirst => &["S5:kill"],
        Bug::UnknownTakenForCommitted => &["S6:error"],
        Bug::InconsistencyUnrecorded => &["S10:error"],
        Bug::SentWithoutCoupon => &["S19:error"],
        Bug::PermitAskedOnce => &["D7:hang"],
        Bug::NewCollapseId => &["P3:reset_after_accept", "S14:kill"],
        Bug::StatesFall => &["R2:overtaken"],
        Bug::ClosedUnsettled => &["P2:unavailable"],
        Bug::OlderTallyReplaces => &["S22:hang"],
        Bug::StockReturnUncounted => &["S19:opted_out"],
        Bug::GivenUpAtOnce => &["R3:error"],
        Bug::FinishedUnbalanced => &["F1:kill"],
        Bug::CancelledForGoodAtOnce => &["F2:cancelled"],
    }
}

/// Plays the finders of these bugs, so many cases at once; first, if it is asked for, those cases
/// without any bug. Each case is handed to `told` when it has ended.
pub fn hunt(bugs: &[Bug], control: Control, at_once: usize, ground: &Ground, told: fn(&Found)) -> Hunt {
    let found = Mutex::new(Vec::new());
    each(cases(bugs, control), ground, at_once, |case, played, took| {
        let one = Found::of(&case, &played, took);
        told(&one);
        found.lock().unwrap_or_else(PoisonError::into_inner).push(one);
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    Hunt::of(bugs, found)
}

/// Whether the cases are played without a bug, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// They are.
    Played,
    /// The matrix has played them.
    Elsewhere,
}

fn cases(bugs: &[Bug], control: Control) -> Vec<Case> {
    let named = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        choose(case::single(), &names, &Sql::Sqlite)
    };
    let mut cases = match control {
        Control::Played => {
            let names: BTreeSet<_> = bugs.iter().flat_map(|bug| finders(*bug)).copied().collect();
            named(&names.into_iter().collect::<Vec<_>>())
        }
        Control::Elsewhere => Vec::new(),
    };
    for bug in bugs {
        cases.extend(named(finders(*bug)).into_iter().map(|mut case| {
            case.bugs.push(*bug);
            case
        }));
    }
    cases
}

/// Runs it; fails if a bug is not found, or a case finds something without one.
pub(super) fn run(at_once: usize, json: bool) -> anyhow::Result<ExitCode> {
    let ground = Ground {
        sql: Sql::Sqlite,
        datastore: Datastore::Embedded,
        program: command::program()?,
    };
    let hunt = hunt(Bug::ALL, Control::Played, at_once, &ground, |found| {
        noroshi::output::note(found);
    });
    if json {
        noroshi::output::line(serde_json::to_string_pretty(&hunt)?);
    } else {
        noroshi::output::line(&hunt);
    }
    Ok(if hunt.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_has_a_case_that_can_be_played() {
        for bug in Bug::ALL {
            for name in finders(*bug) {
                let cases = choose(case::single(), &[(*name).to_owned()], &Sql::Sqlite);

                let found: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
                assert_eq!(found, [*name], "{bug}");
            }
        }
    }

    #[test]
    fn the_page_names_every_bug_and_the_cases_that_find_it() {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../RELIABILITY.md");
        let page = std::fs::read_to_string(page).unwrap();

        for bug in Bug::ALL {
            let mut rows = page
                .lines()
                .filter(|row| row.starts_with(&format!("| `{bug}`: ")));
            let row = rows.next().unwrap_or_else(|| panic!("{bug} has no row"));
            for name in finders(*bug) {
                assert!(row.contains(&format!("`{name}`")), "{row}");
            }
        }
    }
}
