//! Campaigns under random kills, as long as a test may take. `faults kill-loop` is the whole.

use std::time::Duration;

use faults::engine::Engine;
use faults::kill_loop::{Plan, play};
use journeys::engines;

/// A loop of seconds. What strikes is drawn from the seed; what it meets is not the same twice.
fn short(engine: Engine, processes: usize) -> Plan {
    Plan {
        engine,
        program: env!("CARGO_BIN_EXE_faults").into(),
        users: 1_500,
        kills: 8,
        faults: 80,
        sql_kills: 1,
        processes,
        seed: 7,
        time: Duration::ZERO,
        bugs: Vec::new(),
    }
}

fn survives(plan: &Plan) {
    let report = play(plan).unwrap_or_else(|stuck| panic!("{stuck:#}"));

    assert!(report.is_good(), "{report}");
    assert!(report.faults("kill") >= plan.kills, "{report}");
    assert!(report.sent() > 0, "{report}");
}

#[test]
fn a_process_on_a_file_survives_its_kills() {
    survives(&short(Engine::Sqlite, 1));
}

/// On a server of its own, which is killed as well; or on the suite's, which is not.
#[test]
fn several_processes_on_a_sql_server_survive_its_kills_and_theirs() {
    let named = || engines::mysql_url().map(Engine::Server);
    if let Some(engine) = Engine::installed().or_else(named) {
        survives(&short(engine, 3));
    }
}
