//! Every point, every way to fail there, on SQLite; what concerns SQL on MySQL or MariaDB too.

use fault_points::Bug;
use faults::case;
use faults::matrix::{choose, play_all};
use faults::stage::{Datastore, Ground, Sql};
use journeys::engines;

/// Cases at once: most of each is waiting for leases to end.
const AT_ONCE: usize = 4;

/// Points on the way from the lease to both commits, and of the stock.
const GRANTS: &[&str] = &[
    "S1:", "S2:", "S3:", "S4:", "S5:", "S6:", "S7:", "S9:", "S10:", "S11:", "S16:", "S18:", "S19:", "S20:",
];

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
fn grants_survive_every_fault() {
    survives(Sql::Sqlite, GRANTS);
}

#[test]
fn delivery_survives_every_fault() {
    survives(Sql::Sqlite, &["S12:", "S14:", "S15:", "S21:", "S22:", "S23:"]);
}

#[test]
fn reconcile_survives_every_fault() {
    survives(Sql::Sqlite, &["R"]);
}

#[test]
fn grants_survive_every_fault_on_a_sql_server() {
    if let Some(server) = engines::mysql_url() {
        survives(Sql::MySql(server), GRANTS);
    }
}

#[test]
fn reconcile_survives_every_fault_on_a_sql_server() {
    if let Some(server) = engines::mysql_url() {
        survives(Sql::MySql(server), &["R"]);
    }
}

/// The matrix is worth what it finds.
#[test]
fn a_seeded_bug_is_found() {
    let seeded = [
        (Bug::UnknownTakenForCommitted, "S6:"),
        (Bug::StockNotAsked, "S12:kill"),
    ];
    for (bug, point) in seeded {
        let case = |case| Case {
            bugs: vec![bug],
            ..case
        };
        let cases = cases(&[point.to_owned()]).into_iter().map(case).collect();

        let report = play_all(cases, &ground(Sql::Sqlite), AT_ONCE);

        assert!(report.is_wrong(), "{bug} is not found:\n{report}");
    }
}

fn ground(sql: Sql) -> Ground {
    Ground {
        sql,
        program: env!("CARGO_BIN_EXE_faults").into(),
    }
}

fn survives(sql: Sql, points: &[&str]) {
    let only = points.iter().map(|point| (*point).to_owned()).collect::<Vec<_>>();

    let report = play_all(cases(&only), &ground(sql), AT_ONCE);

    assert!(report.is_good(), "{report}");
}
