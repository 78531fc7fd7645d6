//! One loop, from its first process to its books.

use std::path::Path;

use noroshi::progress::Progress;
use runtime::Clock;

use super::aim::Aim;
use super::audit::audit;
use super::blows::Blows;
use super::campaigns::{Campaigns, Ended};
use super::conductor::Conductor;
use super::front::Front;
use super::ground::Ground;
use super::member::Member;
use super::plan::Plan;
use super::report::Report;
use super::rest;
use crate::engine::Engine;

/// Plays it with all its files in `directory`.
pub(super) async fn play(plan: &Plan, directory: &Path) -> anyhow::Result<Report> {
    let clock = Clock::system();
    let begun = clock.monotonic();
    let (mut conductor, campaigns) = set_up(plan, directory, &clock).await?;
    strike(plan, &mut conductor, &campaigns, &clock).await?;
    let ended = campaigns.ended();
    let unrest = bring_to_rest(&mut conductor, &ended, &clock).await?;
    let report = Report {
        sql: plan.engine.as_str(),
        processes: plan.processes,
        seed: plan.seed,
        seconds: clock.monotonic().since(begun).as_secs_f64(),
        faults: conductor.fired(),
        wrong: unrest,
        ..Report::default()
    };
    let report = compare_books(report, conductor, &ended, directory).await?;
    Ok(Report {
        peak_memory_bytes: noroshi::memory::peak_rss_bytes().unwrap_or_default(),
        ..report
    })
}

/// Everything that is needed, and no process started yet.
async fn set_up(plan: &Plan, directory: &Path, clock: &Clock) -> anyhow::Result<(Conductor, Campaigns)> {
    let (ground, places) = Ground::start(&plan.engine, plan.processes, directory, plan.seed).await?;
    let members = (0..).zip(&places).map(|(no, places)| {
        let directory = directory.join(format!("process-{no}"));
        Member::new(directory, places, &plan.bugs, clock.monotonic())
    });
    let members = members.collect::<anyhow::Result<Vec<_>>>()?;
    let has_sql_wire = plan.engine != Engine::Sqlite;
    let blows = Blows::new(
        plan.wanted(),
        plan.deliveries(),
        plan.processes,
        has_sql_wire,
        plan.seed,
    );
    let conductor = Conductor::new(ground, members, plan.program.clone(), clock.clone(), blows);
    let front = Front::new(places.iter().map(|places| places.admin));
    Ok((conductor, Campaigns::new(front, clock.clone(), plan.users)))
}

/// Plays the campaigns under blows, to their ends.
async fn strike(
    plan: &Plan,
    conductor: &mut Conductor,
    campaigns: &Campaigns,
    clock: &Clock,
) -> anyhow::Result<()> {
    let progress = Progress::on_stderr(clock.clone());
    let aim = Aim {
        wanted: plan.wanted(),
        faults: plan.faults,
        until: clock.monotonic() + plan.time,
        pushes: progress.stage("pushes", plan.deliveries()),
        kills: progress.stage("kills", plan.kills),
        all: progress.stage("faults", plan.faults),
    };
    let played = async {
        campaigns.register().await?;
        campaigns.play().await
    };
    tokio::select! {
        played = played => played,
        stuck = conductor.strike(campaigns, &aim) => Err(stuck),
    }
}

/// Strikes no more, waits until nothing is left to be done, and drains every process. Says what is
/// not at rest then.
async fn bring_to_rest(
    conductor: &mut Conductor,
    ended: &[Ended],
    clock: &Clock,
) -> anyhow::Result<Vec<String>> {
    conductor.heal().await;
    let books = conductor.ground.books.clone();
    let mut unrest = tokio::select! {
        unrest = rest::wait(&books, ended, clock) => unrest,
        stuck = conductor.mend() => return Err(stuck),
    };
    conductor.drain().await;
    unrest.append(&mut conductor.complaints);
    Ok(unrest)
}

/// Compares the books of everything that has ended, when no process is left.
async fn compare_books(
    mut report: Report,
    conductor: Conductor,
    ended: &[Ended],
    directory: &Path,
) -> anyhow::Result<Report> {
    let strikes = conductor.strikes;
    let closed = conductor.ground.close().await;
    report.open_transactions = closed.sql.count_open_transactions(&closed.books.db).await?;
    if report.open_transactions > 0 {
        let open = report.open_transactions;
        report.wrong.push(format!("{open} transactions are open at rest"));
    }
    let audit = audit(&closed.books, ended, &strikes, directory, report.processes).await;
    closed.stop().await;
    Ok(report.take(audit?))
}
