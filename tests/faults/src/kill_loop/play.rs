//! One loop, from its first process to its books.

use std::path::Path;

use noroshi::progress::Progress;
use runtime::Clock;

use super::aim::Aim;
use super::audit::audit;
use super::blows::Blows;
use super::campaigns::Campaigns;
use super::conductor::Conductor;
use super::front::Front;
use super::ground::Ground;
use super::member::Member;
use super::plan::Plan;
use super::report::Report;
use super::rest;
use super::sql::Engine;

/// Plays it with all its files in `directory`.
pub(super) async fn play(plan: &Plan, directory: &Path) -> anyhow::Result<Report> {
    let clock = Clock::system();
    let begun = clock.monotonic();
    let (ground, places) = Ground::start(&plan.engine, plan.processes, directory, plan.seed).await?;
    let members = (0..).zip(&places).map(|(no, places)| {
        let directory = directory.join(format!("process-{no}"));
        Member::new(directory, places, &plan.bugs, begun)
    });
    let members = members.collect::<anyhow::Result<Vec<_>>>()?;
    let front = Front::new(places.iter().map(|places| places.admin));
    let campaigns = Campaigns::new(front, clock.clone(), plan.users);

    let wanted = plan.wanted();
    let has_sql_wire = plan.engine != Engine::Sqlite;
    let blows = Blows::new(wanted, plan.deliveries(), plan.processes, has_sql_wire, plan.seed);
    let mut conductor = Conductor::new(ground, members, plan.program.clone(), clock.clone(), blows);
    let progress = Progress::on_stderr(clock.clone());
    let aim = Aim {
        wanted,
        faults: plan.faults,
        until: begun + plan.time,
        pushes: progress.stage("pushes", plan.deliveries()),
        kills: progress.stage("kills", plan.kills),
        all: progress.stage("faults", plan.faults),
    };
    tokio::select! {
        played = async { campaigns.register().await?; campaigns.play().await } => played?,
        stuck = conductor.strike(&campaigns, &aim) => return Err(stuck),
    }
    conductor.heal().await;
    let ended = campaigns.ended();
    let books = conductor.ground.books.clone();
    let unrest = tokio::select! {
        unrest = rest::wait(&books, &ended, &clock) => unrest,
        stuck = conductor.mend() => return Err(stuck),
    };
    conductor.drain().await;
    let faults = conductor.fired();
    let Conductor {
        ground,
        strikes,
        mut complaints,
        ..
    } = conductor;
    let closed = ground.close().await;
    complaints.extend(unrest);
    let open_transactions = closed.sql.count_open_transactions(&closed.books.db).await?;
    if open_transactions > 0 {
        complaints.push(format!("{open_transactions} transactions are open at rest"));
    }
    let audit = audit(&closed.books, &ended, &strikes, directory, plan.processes).await;
    closed.stop().await;
    let report = Report {
        sql: plan.engine.as_str(),
        processes: plan.processes,
        seed: plan.seed,
        seconds: clock.monotonic().since(begun).as_secs_f64(),
        faults,
        open_transactions,
        wrong: complaints,
        ..Report::default()
    };
    let report = report.take(audit?);
    Ok(Report {
        peak_memory_bytes: noroshi::memory::peak_rss_bytes().unwrap_or_default(),
        ..report
    })
}
