//! Every trouble on SQLite; what concerns SQL, its wire and several processes on MySQL or MariaDB;
//! and a sample of the pairs.

use fault_points::Bug;
use faults::case;
use faults::matrix::{choose, play_all, sample};
use faults::seeded::real::{Control, hunt};
use faults::stage::{Datastore, Ground, Sql};
use journeys::engines;

/// Cases at once: most of each is waiting for leases to end.
const AT_ONCE: usize = 4;

/// Pairs in the sample, and what it is drawn from.
const PAIRS: usize = 12;
const SEED: u64 = 1;

/// Bugs that are found by waiting in vain, or only where two things come together in time. They are
/// left to `faults seeded-bugs --real`.
const LEFT_TO_THE_COMMAND: &[Bug] = &[
    Bug::LeaseForEver,
    Bug::LeaseNotAsked,
    Bug::MarkPassesUnexpanded,
    Bug::OlderTallyReplaces,
];

/// Points on the way from the lease to the rendezvous.
const BEFORE_THE_COMMITS: &[&str] = &["S1:", "S2:", "S3:", "S4:", "S5:", "S16:", "S17:", "S18:", "S19:"];

/// Points of both commits, and of the stock that is left.
const COMMITS: &[&str] = &["S6:", "S7:", "S8:", "S9:", "S10:", "S11:", "S20:", "S24:"];

#[test]
fn import_survives_every_fault() {
    survives(Sql::Sqlite, &["I"]);
}

#[test]
fn fan_out_survives_every_fault() {
    survives(Sql::Sqlite, &["F"]);
}

#[test]
fn dispatch_survives_every_fault() {
    survives(Sql::Sqlite, &["D"]);
}

#[test]
fn grants_survive_every_fault_before_the_commits() {
    survives(Sql::Sqlite, BEFORE_THE_COMMITS);
}

#[test]
fn grants_survive_every_fault_of_the_commits() {
    survives(Sql::Sqlite, COMMITS);
}

#[test]
fn delivery_survives_every_fault() {
    survives(Sql::Sqlite, &["S12:", "S14:", "S15:", "S21:", "S22:", "S23:"]);
}

#[test]
fn delivery_survives_every_fault_of_the_queue() {
    survives(Sql::Sqlite, &["Q"]);
}

#[test]
fn delivery_survives_every_fault_of_every_gateway() {
    survives(Sql::Sqlite, &["P"]);
}

#[test]
fn quotas_and_canaries_survive_every_fault() {
    survives(Sql::Sqlite, &["G", "C"]);
}

#[test]
fn feedback_and_triggered_pushes_survive_every_fault() {
    survives(Sql::Sqlite, &["O", "T"]);
}

#[test]
fn reconcile_survives_every_fault() {
    survives(Sql::Sqlite, &["R"]);
}

#[test]
fn grants_survive_every_fault_before_the_commits_on_a_sql_server() {
    if let Some(server) = engines::mysql_url() {
        survives(Sql::MySql(server), BEFORE_THE_COMMITS);
    }
}

#[test]
fn grants_survive_every_fault_of_the_commits_on_a_sql_server() {
    if let Some(server) = engines::mysql_url() {
        survives(Sql::MySql(server), COMMITS);
    }
}

#[test]
fn reconcile_survives_every_fault_on_a_sql_server() {
    if let Some(server) = engines::mysql_url() {
        survives(Sql::MySql(server), &["R"]);
    }
}

#[test]
fn import_and_fan_out_survive_every_lie_of_a_sql_server() {
    if let Some(server) = engines::mysql_url() {
        survives(Sql::MySql(server), &["I3:", "F5:", "F6:"]);
    }
}

#[test]
fn a_sample_of_pairs_is_survived() {
    let pairs = choose(case::pairs(), &[], &Sql::Sqlite);

    let report = play_all(
        sample(pairs, Some(PAIRS), SEED),
        &ground(Sql::Sqlite),
        AT_ONCE,
        "pairs",
    );

    assert!(report.is_good(), "{report}");
}

/// The matrix is worth what it finds. The tests above play the same cases without a bug.
#[test]
fn every_seeded_bug_that_cannot_hide_is_found() {
    let bugs = Bug::ALL.iter().copied();
    let bugs = bugs.filter(|bug| !LEFT_TO_THE_COMMAND.contains(bug));
    let bugs = bugs.collect::<Vec<_>>();

    let hunt = hunt(&bugs, Control::Elsewhere, AT_ONCE, &ground(Sql::Sqlite), |_| {});

    assert!(hunt.is_good(), "{hunt}");
}

fn ground(sql: Sql) -> Ground {
    Ground {
        sql,
        datastore: Datastore::Embedded,
        program: env!("CARGO_BIN_EXE_faults").into(),
    }
}

fn survives(sql: Sql, names: &[&str]) {
    let only = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let cases = choose(case::single(), &only, &sql);

    let report = play_all(cases, &ground(sql), AT_ONCE, "matrix");

    assert!(report.is_good(), "{report}");
}
