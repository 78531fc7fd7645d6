//! Campaigns under random kills, for as long as asked, on the real program.
//!
//! Several processes, each a whole `noroshi up`, work on one database, one Datastore, one queue
//! and gateways that outlive them. They are killed, stand still past their leases, come to faults
//! at their points; their wires lie; the SQL server is killed as well. Everything is paced by what
//! is delivered, so that it strikes processes at work. In the end everything comes to rest, and
//! the books of SQL, Datastore and the gateways are compared.
//!
//! The blows are drawn from a seed. What they meet is not: two runs of a seed strike alike, and
//! not the same.

mod audit;
mod blows;
mod campaigns;
mod conductor;
mod doubles;
mod front;
mod ground;
mod mariadb;
mod member;
mod ports;
mod report;
mod rest;
mod settings;
mod slip;
mod sql;
mod strikes;
mod tail;
mod wires;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use noroshi::progress::Progress;
use rand::RngExt;
use runtime::Clock;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::command;
use blows::{Blows, Wanted};
use campaigns::Campaigns;
use conductor::{Aim, Conductor};
use front::Front;
use ground::Ground;
use member::Member;
pub use report::Report;
pub use sql::Engine;

/// How a loop is to be run.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Recipients of all campaigns, at least.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    users: usize,
    /// Processes killed, at least.
    #[arg(long, value_name = "N", default_value_t = 40)]
    kills: u64,
    /// Faults of all kinds, at least; what the others leave happens on the wires.
    #[arg(long, value_name = "N", default_value_t = 400)]
    faults: u64,
    /// Kills of the SQL server, where it is the loop's own.
    #[arg(long, value_name = "N", default_value_t = 2)]
    mysql_kills: u64,
    /// Keep campaigns in a database of this server, mysql://USER@HOST:PORT, and do not kill it.
    #[arg(long, value_name = "URL", conflicts_with_all = ["mariadbd", "sqlite"])]
    mysql: Option<String>,
    /// Keep them in a MariaDB of the loop's own, by this program [default: an installed one].
    #[arg(long, value_name = "PATH", conflicts_with = "sqlite")]
    mariadbd: Option<PathBuf>,
    /// Keep them in a SQLite file, of one process.
    #[arg(long)]
    sqlite: bool,
    /// Processes at work.
    #[arg(long, value_name = "N", default_value_t = 3)]
    processes: usize,
    /// Draw the blows from this seed [default: any].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Go on for so long at least: 90s, 30m, 8h.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    time: Option<Duration>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// What a loop is to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where decisions are kept.
    pub engine: Engine,
    /// This package's program, which is `noroshi` with fault points as well.
    pub program: PathBuf,
    /// Recipients of all campaigns, at least.
    pub users: usize,
    /// Processes killed, at least.
    pub kills: u64,
    /// Faults of all kinds, at least.
    pub faults: u64,
    /// Kills of the SQL server, where it is the loop's own.
    pub sql_kills: u64,
    /// Processes at work; one on SQLite.
    pub processes: usize,
    /// Of the blows.
    pub seed: u64,
    /// It goes on for so long at least.
    pub time: Duration,
}

/// Of all recipients, those that are sent a message are less: some campaigns are cancelled.
const DELIVERED: f64 = 0.6;

/// One process that stands still for so many that are killed.
const KILLS_A_FREEZE: u64 = 10;

/// Runs it; fails if anything is wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let plan = Plan::of(arguments)?;
    let report = play(&plan)?;
    if arguments.json {
        noroshi::output::line(serde_json::to_string(&report)?);
    } else {
        noroshi::output::line(&report);
    }
    Ok(if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Plays a loop to its end, on stores of its own.
pub fn play(plan: &Plan) -> anyhow::Result<Report> {
    noroshi::output::note(format_args!("seed {}", plan.seed));
    let directory = TempDir::with_prefix("noroshi-kill-loop-")?;
    let played = Runtime::new()?.block_on(play_in(plan, directory.path()));
    let again = || plan.command();
    match played {
        Ok(report) if report.is_good() => Ok(report),
        Ok(report) => Ok(Report {
            again: Some((again(), directory.keep())),
            ..report
        }),
        Err(error) => Err(error.context(format!(
            "again: {}\nlogs: {}",
            again(),
            directory.keep().display()
        ))),
    }
}

async fn play_in(plan: &Plan, directory: &std::path::Path) -> anyhow::Result<Report> {
    let clock = Clock::system();
    let begun = clock.monotonic();
    let (ground, places) = Ground::start(&plan.engine, plan.processes, directory, plan.seed).await?;
    let members = (0..).zip(&places).map(|(no, places)| {
        let directory = directory.join(format!("process-{no}"));
        Member::new(directory, places, begun)
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
    let audit = audit::audit(&closed.books, &ended, &strikes, directory, plan.processes).await;
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

impl Plan {
    fn of(arguments: &Arguments) -> anyhow::Result<Self> {
        let engine = match (&arguments.mysql, &arguments.mariadbd, arguments.sqlite) {
            (Some(url), _, _) => Engine::Server(url.clone()),
            (None, _, true) => Engine::Sqlite,
            (None, Some(program), false) => Engine::Own(program.clone()),
            (None, None, false) => Engine::installed().context(
                "no mariadbd is installed: install it (Debian: mariadb-server), or say --mysql URL or --sqlite",
            )?,
        };
        Ok(Self {
            processes: match engine {
                Engine::Sqlite => 1,
                Engine::Server(_) | Engine::Own(_) => arguments.processes.max(1),
            },
            engine,
            program: command::program()?,
            users: arguments.users,
            kills: arguments.kills,
            faults: arguments.faults,
            sql_kills: arguments.mysql_kills,
            seed: arguments
                .seed
                .unwrap_or_else(|| rand::rng().random_range(0..1 << 32)),
            time: arguments.time.unwrap_or_default(),
        })
    }

    fn wanted(&self) -> Wanted {
        let sql_kills = match self.engine {
            Engine::Own(_) => self.sql_kills,
            Engine::Sqlite | Engine::Server(_) => 0,
        };
        let freezes = self.kills / KILLS_A_FREEZE;
        Wanted {
            kills: self.kills,
            freezes,
            sql_kills,
            slips: self.faults.saturating_sub(self.kills + freezes + sql_kills),
        }
    }

    /// Messages over which the blows are spread.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a number of users"
    )]
    fn deliveries(&self) -> u64 {
        (self.users as f64 * DELIVERED) as u64
    }

    /// The command that plays it again.
    fn command(&self) -> String {
        let engine = match &self.engine {
            Engine::Sqlite => "--sqlite".to_owned(),
            Engine::Server(url) => format!("--mysql {url}"),
            Engine::Own(program) => format!("--mariadbd {}", program.display()),
        };
        format!(
            "cargo run --release -p faults -- kill-loop {engine} --users {} --kills {} --faults {} --mysql-kills {} \
             --processes {} --seed {}",
            self.users, self.kills, self.faults, self.sql_kills, self.processes, self.seed
        )
    }
}

/// A whole number and its unit.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a whole number with a unit: 90s, 30m, 8h".to_owned();
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match unit {
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        "h" => Ok(Duration::from_secs(number * 3_600)),
        _ => Err(wrong()),
    }
}
