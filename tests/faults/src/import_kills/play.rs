//! Plays one import: starts processes, kills and starts them again until it is over, and audits.

use std::time::Duration;

use anyhow::bail;
use campaign::AudienceId;
use database::audience::{Audience, Phase};
use noroshi::progress::Progress;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use runtime::Clock;
use tokio::time::sleep;

use super::plan::Plan;
use super::report::Report;
use super::stage::{PATIENCE, Stage};
use super::worker::Worker;

const POLL: Duration = Duration::from_millis(5);

/// Plays the plan. An error means that it could not be played.
pub async fn play(plan: &Plan) -> anyhow::Result<Report> {
    let stage = Stage::set(plan).await?;
    let undisturbed = stage.upload().await?;
    jobs::import::run(&stage.backends).await?;
    let undisturbed = stage.outcome(undisturbed, plan.rows).await?;

    let clock = Clock::system();
    let begun = clock.monotonic();
    let audience = stage.upload().await?;
    let workers = (0..plan.processes)
        .map(|no| stage.worker(&format!("import-{no}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut killing = Killing {
        moments: moments(plan).into_iter(),
        workers,
        kills: [0; 3],
    };
    killing.run(&stage, audience, &clock).await?;
    let seconds = clock.monotonic().since(begun).as_secs_f64();
    for worker in killing.workers {
        worker.end().await?;
    }
    let outcome = stage.outcome(audience, plan.rows).await?;
    let mut report = Report {
        rows: plan.rows,
        processes: plan.processes,
        sql: plan.engine.as_str(),
        seed: plan.seed,
        wanted: plan.kills,
        kills: killing.kills,
        seconds,
        wrong: outcome.wrong(&undisturbed),
        outcome,
        logs: None,
    };
    report.logs = stage.clear(!report.is_good()).await;
    Ok(report)
}

struct Killing {
    moments: std::vec::IntoIter<f64>,
    workers: Vec<Worker>,
    /// In each phase.
    kills: [u32; 3],
}

impl Killing {
    async fn run(&mut self, stage: &Stage, audience: AudienceId, clock: &Clock) -> anyhow::Result<()> {
        let progress = Progress::on_stderr(clock.clone());
        let bar = progress.stage("phases, in thousandths", 3_000);
        let (mut done, mut grown_at) = (0.0, clock.monotonic());
        let mut next = self.moments.next();
        loop {
            let found = stage.audience(audience).await?;
            let now = clock.monotonic();
            let reached = how_far(&found);
            if reached > done {
                (done, grown_at) = (reached, now);
                bar.set((reached * 1_000.0) as u64);
            }
            if next.is_some_and(|moment| done >= moment) && found.phase.is_some() {
                self.strike(done);
                next = self.moments.next();
            }
            let files = &stage.backends.files;
            if done >= 3.0 && database::import_work::find(files, audience).await?.is_none() {
                return Ok(());
            }
            if now.since(grown_at) > PATIENCE {
                bail!("the import has come no further for {PATIENCE:?}: {found:?}");
            }
            sleep(POLL).await;
        }
    }

    /// Kills whoever has worked most since the last time.
    fn strike(&mut self, done: f64) {
        let worked: Vec<_> = self.workers.iter_mut().map(Worker::worked).collect();
        let busiest = self
            .workers
            .iter_mut()
            .zip(worked)
            .max_by_key(|(_, worked)| *worked);
        if let Some((worker, _)) = busiest {
            worker.kill_and_start();
            self.kills[(done as usize).min(2)] += 1;
        }
    }
}

/// Phases that are done, and the part of the one that is not.
fn how_far(audience: &Audience) -> f64 {
    let phase = match audience.phase {
        Some(Phase::Sort) => 0.0,
        Some(Phase::Merge) => 1.0,
        Some(Phase::Report) => 2.0,
        None => return 3.0,
    };
    let end = audience.progress.phase_end.max(1) as f64;
    phase + (audience.progress.phase_done as f64 / end).min(0.999)
}

/// How far the import is at each kill, drawn one from each equal part of it. The end of the report is
/// left out: a small one has only a few steps, and after the last nobody is seen at work.
fn moments(plan: &Plan) -> Vec<f64> {
    let mut random = StdRng::seed_from_u64(plan.seed);
    let part = 2.5 / f64::from(plan.kills.max(1));
    let moments = (0..plan.kills).map(|kill| (f64::from(kill) + random.random::<f64>()) * part);
    moments.collect()
}
