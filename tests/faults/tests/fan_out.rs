//! Several fan-out processes on one campaign, killed and frozen. `faults fan-out` is the whole.
//!
//! Whatever becomes of them, every chunk is expanded once, and what a new process asks for is
//! bounded by what the dead ones had in hand.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot go on has failed")]

use database::fan_out_stripe::CHUNKS;
use faults::engine::Engine;
use faults::fan_out::{PATIENCE, Plan, Stage, Worker, play};
use journeys::engines;
use journeys::world::until_within;
use runtime::Clock;

/// A campaign of so many whole stripes, of small chunks.
fn small(engine: Engine, stripes: u32) -> Plan {
    const CHUNK: u32 = 10;
    Plan {
        engine,
        program: env!("CARGO_BIN_EXE_faults").into(),
        users: stripes * CHUNKS * CHUNK,
        chunk: CHUNK,
        processes: 3,
        in_flight: 2,
        kills: 12,
        seed: 7,
    }
}

async fn survives(plan: &Plan) {
    let report = play(plan).await.unwrap();

    assert!(report.is_good(), "{report}");
    assert_eq!(report.kills(), plan.kills, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_are_killed_expand_every_chunk_once() {
    survives(&small(Engine::Sqlite, 20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_are_killed_expand_every_chunk_once_on_mysql() {
    if let Some(server) = engines::mysql_url() {
        survives(&small(Engine::Server(server), 20)).await;
    }
}

/// Two processes on one stripe, one of which sleeps past its lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_hangs_loses_its_stripes_and_harms_nothing_when_it_wakes() {
    let plan = small(Engine::Sqlite, 12);
    let stage = Stage::set(&plan).await.unwrap();
    let (mut frozen, mut other) = (worker(&stage, "frozen").await, worker(&stage, "other").await);
    start(&mut frozen);
    until_expanded(&stage, CHUNKS / 4).await;

    freeze_between_transactions(&stage, &mut frozen).await;
    let meanwhile = stage.expanded().await.unwrap();
    start(&mut other);
    until_done(&stage).await;
    frozen.process().unwrap().thaw();
    other.end().await.unwrap();
    frozen.end().await.unwrap();

    assert!(meanwhile < plan.chunks(), "it was over too soon");
    assert_eq!(stage.holding().await.unwrap(), stage.whole());
    stage.clear(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_looked_up_after_a_crash_does_not_grow_with_the_campaign() {
    let mut looked_up = Vec::new();
    for stripes in [3, 12] {
        let stage = Stage::set(&small(Engine::Sqlite, stripes)).await.unwrap();
        let (mut killed, mut next) = (worker(&stage, "killed").await, worker(&stage, "next").await);
        start(&mut killed);
        until_expanded(&stage, (stripes - 2) * CHUNKS + 9).await;

        let by_the_killed = killed.kill();
        start(&mut next);
        until_done(&stage).await;
        next.end().await.unwrap();

        assert_eq!(by_the_killed, 0, "of new stripes nothing is asked");
        looked_up.push(next.looked_up());
        assert_eq!(stage.holding().await.unwrap(), stage.whole());
        stage.clear(false).await;
    }

    let in_hand = u64::from(CHUNKS) * 2;
    assert!(looked_up.iter().all(|keys| *keys <= in_hand), "{looked_up:?}");
}

/// The audit is worth what it finds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_that_is_half_expanded_is_not_whole() {
    let stage = Stage::set(&small(Engine::Sqlite, 4)).await.unwrap();
    let mut worker = worker(&stage, "worker").await;
    start(&mut worker);
    until_expanded(&stage, CHUNKS).await;

    worker.kill();

    let holding = stage.holding().await.unwrap();
    assert!(holding.markers >= CHUNKS as usize);
    assert_ne!(holding, stage.whole());
    stage.clear(false).await;
}

async fn worker(stage: &Stage, name: &str) -> Worker {
    stage.worker(name).await.unwrap()
}

fn start(worker: &mut Worker) {
    worker.start(Clock::system().monotonic());
}

/// A SQLite file has one lock, and whoever sleeps with it holds up everybody.
async fn freeze_between_transactions(stage: &Stage, worker: &mut Worker) {
    loop {
        worker.process().unwrap().freeze();
        if let Ok(free) = stage.backends.db.begin().await {
            free.rollback().await;
            return;
        }
        worker.process().unwrap().thaw();
    }
}

async fn until_expanded(stage: &Stage, chunks: u32) {
    until_within(PATIENCE, "chunks are expanded", async || {
        (stage.expanded().await.unwrap() >= chunks).then_some(())
    })
    .await;
}

async fn until_done(stage: &Stage) {
    until_within(PATIENCE, "every chunk is expanded", async || {
        stage.is_done().await.unwrap().then_some(())
    })
    .await;
}
