//! Several processes on one import, killed all the while. `faults import-kills` is the whole.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot go on has failed")]

use faults::engine::Engine;
use faults::import_kills::{Plan, play};
use journeys::engines;

/// An import of some dozens of partitions.
fn small(engine: Engine) -> Plan {
    Plan {
        engine,
        program: env!("CARGO_BIN_EXE_faults").into(),
        rows: 60_000,
        partition_bytes: 65_536,
        processes: 3,
        kills: 9,
        seed: 7,
    }
}

async fn survives(plan: &Plan) {
    let report = play(plan).await.unwrap();

    assert!(report.is_good(), "{report}");
    assert_eq!(report.kills(), plan.kills, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_are_killed_import_every_row_once() {
    survives(&small(Engine::Sqlite)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_are_killed_import_every_row_once_on_mysql() {
    if let Some(server) = engines::mysql_url() {
        survives(&small(Engine::Server(server))).await;
    }
}
