//! Several fan-out processes on one campaign, killed and frozen.
//!
//! Whatever becomes of them, every chunk is expanded once, and what a new process asks for is
//! bounded by what the dead ones had in hand.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot go on has failed")]

mod stage;

use std::time::Duration;

use database::fan_out_stripe::CHUNKS;
use journeys::engines;
use journeys::world::until_within;
use runtime::Clock;

use stage::{PATIENCE, Stage, Worker};

const PROCESSES: usize = 3;

/// How often one of them is killed.
const KILLS: usize = 12;

/// Stripes of a campaign that is in nobody's way.
const STRIPES: u32 = 20;

/// Chunks that are expanded between two kills.
const BETWEEN: u32 = STRIPES * CHUNKS / (KILLS as u32 + 3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_are_killed_expand_every_chunk_once() {
    kill_again_and_again(Stage::set(None, STRIPES).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_are_killed_expand_every_chunk_once_on_mysql() {
    if let Some(server) = engines::mysql_url() {
        kill_again_and_again(Stage::set(Some(server), STRIPES).await).await;
    }
}

async fn kill_again_and_again(stage: Stage) {
    let mut workers = start(&stage).await;
    let mut recoveries = Vec::new();

    for kill in 0..KILLS {
        stage.until_expanded(BETWEEN * (kill as u32 + 1)).await;
        let worker = &mut workers[kill % PROCESSES];
        if worker.kill() {
            recoveries.extend(recover(worker).await);
        } else {
            worker.start();
        }
    }
    for worker in &mut workers {
        worker.end().await;
    }
    stage.expand_the_rest(&mut workers[0]).await;

    assert!(recoveries.len() >= KILLS / 2, "it was over too soon");
    stage.is_expanded_once().await;
    let commits = workers.iter().map(Worker::expansions).sum::<u64>();
    recoveries.sort_unstable();
    say(&format!(
        "{} kills of {PROCESSES} processes; {} chunks, {commits} commits; from the restart to the first commit {} ms, {} ms at most",
        recoveries.len(),
        stage.chunks,
        recoveries[recoveries.len() / 2].as_millis(),
        recoveries[recoveries.len() - 1].as_millis(),
    ));
    stage.clear().await;
}

/// Starts a killed process again, and says how long its first commit took to come; `None` if
/// there was nothing left for it.
async fn recover(worker: &mut Worker) -> Option<Duration> {
    let (clock, before) = (Clock::system(), worker.expansions());
    let restarted = clock.monotonic();
    worker.start();
    worker.until_first_commit(before).await?;
    Some(clock.monotonic().since(restarted))
}

/// Two processes on one stripe, one of which sleeps past its lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_hangs_loses_its_stripes_and_harms_nothing_when_it_wakes() {
    let stage = Stage::set(None, 4).await;
    let (mut frozen, mut other) = (stage.worker("frozen").await, stage.worker("other").await);
    frozen.start();
    stage.until_expanded(CHUNKS / 4).await;

    frozen.process.as_mut().unwrap().freeze();
    let meanwhile = stage.expanded().await;
    stage.expand_the_rest(&mut other).await;
    frozen.process.as_mut().unwrap().thaw();
    frozen.end().await;

    assert!(meanwhile < stage.chunks, "it was over too soon");
    assert_eq!(stage.open_stripes().await, 0);
    stage.is_expanded_once().await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_looked_up_after_a_crash_does_not_grow_with_the_campaign() {
    let mut looked_up = Vec::new();
    for stripes in [3, 12] {
        let stage = Stage::set(None, stripes).await;
        let (mut killed, mut next) = (stage.worker("killed").await, stage.worker("next").await);
        killed.start();
        stage.until_expanded((stripes - 2) * CHUNKS + 9).await;

        assert!(killed.kill(), "it was over too soon");
        stage.expand_the_rest(&mut next).await;

        assert_eq!(killed.looked_up(), 0, "of new stripes nothing is asked");
        looked_up.push(next.looked_up());
        stage.is_expanded_once().await;
        stage.clear().await;
    }

    say(&format!("markers asked for after a crash: {looked_up:?}"));
    let in_hand = u64::from(CHUNKS) * 2;
    assert!(looked_up.iter().all(|keys| *keys <= in_hand), "{looked_up:?}");
}

async fn start(stage: &Stage) -> Vec<Worker> {
    let mut workers = Vec::new();
    for no in 0..PROCESSES {
        let mut worker = stage.worker(&format!("worker-{no}")).await;
        worker.start();
        workers.push(worker);
    }
    until_within(PATIENCE, "every process works", async || {
        let work = workers.iter().all(|worker| worker.expansions() > 0);
        work.then_some(())
    })
    .await;
    workers
}

#[expect(clippy::disallowed_macros, reason = "a test speaks to whoever runs it")]
fn say(line: &str) {
    eprintln!("{line}");
}
