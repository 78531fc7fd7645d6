//! One campaign under kills, from its first process to the audit.

use std::time::Duration;

use anyhow::{Context, bail};
use noroshi::progress::Progress;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use runtime::Clock;
use runtime::clock::Moment;
use tokio::time::sleep;

use super::plan::Plan;
use super::report::{Recovery, Report};
use super::stage::{PATIENCE, Stage};
use super::worker::Worker;

/// How often it is looked whether anything has come: what times are exact to.
const POLL: Duration = Duration::from_millis(2);

/// How often it is asked whether everything is expanded.
const LOOK: Duration = Duration::from_millis(200);

/// Plays one campaign, on stores of its own.
pub async fn play(plan: &Plan) -> anyhow::Result<Report> {
    noroshi::output::note(format_args!(
        "{} users, {} kills, seed {}",
        plan.users, plan.kills, plan.seed
    ));
    let stage = Stage::set(plan).await?;
    let played = on(&stage, plan).await;
    let is_good = played.as_ref().is_ok_and(Report::is_good);
    let logs = stage.clear(!is_good).await;
    let played = played.map(|report| Report {
        logs: logs.clone(),
        ..report
    });
    played.with_context(|| format!("logs: {}", logs.unwrap_or_default().display()))
}

async fn on(stage: &Stage, plan: &Plan) -> anyhow::Result<Report> {
    let clock = Clock::system();
    let mut workers = Vec::new();
    for no in 0..plan.processes {
        let mut worker = stage.worker(&format!("process-{no}")).await?;
        worker.start(clock.monotonic());
        workers.push(worker);
    }
    let begun = clock.monotonic();
    let mut run = Run {
        plan,
        workers,
        moments: moments(plan).into_iter(),
        random: StdRng::seed_from_u64(plan.seed),
        kills: 0,
        recoveries: Vec::new(),
        looked_up: 0,
    };
    run.until_done(stage, &clock).await?;
    let seconds = clock.monotonic().since(begun).as_secs_f64();
    for worker in &mut run.workers {
        worker.end().await?;
    }
    let commits = run.commits();
    Ok(Report {
        users: plan.users,
        chunks: plan.chunks(),
        processes: plan.processes,
        sql: plan.engine.as_str(),
        seed: plan.seed,
        wanted: plan.kills,
        kills: run.kills,
        seconds,
        commits,
        looked_up: run.looked_up,
        recoveries: run.recoveries,
        holding: stage.holding().await?,
        whole: stage.whole(),
        logs: None,
    })
}

/// A campaign while it is expanded.
struct Run<'a> {
    plan: &'a Plan,
    workers: Vec<Worker>,
    /// Commits after which there is to be one more kill.
    moments: std::vec::IntoIter<u64>,
    random: StdRng,
    kills: u32,
    recoveries: Vec<Recovery>,
    /// Keys that one life has looked up, at most.
    looked_up: u64,
}

impl Run<'_> {
    /// Kills and starts processes until every chunk is expanded.
    async fn until_done(&mut self, stage: &Stage, clock: &Clock) -> anyhow::Result<()> {
        let progress = Progress::on_stderr(clock.clone());
        let chunks = progress.stage("chunks", u64::from(self.plan.chunks()));
        let (mut looked_at, mut grown_at) = (clock.monotonic(), clock.monotonic());
        let mut commits = 0;
        let mut next = self.moments.next();
        loop {
            let now = clock.monotonic();
            self.see(now);
            if self.commits() > commits {
                (commits, grown_at) = (self.commits(), now);
                chunks.set(commits.min(u64::from(self.plan.chunks())));
            }
            if next.is_some_and(|moment| commits >= moment) && self.strike(now) {
                next = self.moments.next();
            }
            if now.since(looked_at) >= LOOK {
                looked_at = now;
                if stage.is_done().await? {
                    return Ok(());
                }
            }
            if now.since(grown_at) > PATIENCE {
                bail!("nothing was committed for {PATIENCE:?}");
            }
            sleep(POLL).await;
        }
    }

    /// Notes who has sent its first commit.
    fn see(&mut self, now: Moment) {
        let commits = self.commits();
        for worker in &mut self.workers {
            if let Some(after) = worker.first_commit(now)
                && self.kills > 0
            {
                let second_half = commits * 2 > u64::from(self.plan.chunks());
                self.recoveries.push(Recovery { after, second_half });
            }
        }
    }

    /// Kills one of those at work and starts it again; false while none is.
    fn strike(&mut self, now: Moment) -> bool {
        let at_work: Vec<_> = (0..self.workers.len())
            .filter(|no| self.workers[*no].is_at_work())
            .collect();
        let Some(no) = at_work.choose(&mut self.random) else {
            return false;
        };
        let worker = &mut self.workers[*no];
        self.looked_up = self.looked_up.max(worker.kill());
        worker.start(now);
        self.kills += 1;
        true
    }

    fn commits(&self) -> u64 {
        self.workers.iter().map(Worker::expansions).sum()
    }
}

/// Commits after which there is a kill, drawn one from each equal part of the campaign.
fn moments(plan: &Plan) -> Vec<u64> {
    let mut random = StdRng::seed_from_u64(plan.seed);
    let part = f64::from(plan.chunks()) / f64::from(plan.kills.max(1));
    let moments = (0..plan.kills).map(|kill| (f64::from(kill) + random.random::<f64>()) * part);
    moments.map(|moment| moment as u64).collect()
}
