//! How a loop is asked for, and what it is to do then.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use fault_points::Bug;

use super::blows::Wanted;
use crate::engine::Engine;
use crate::{command, seed};

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
    #[command(flatten)]
    seed: seed::Arguments,
    /// Go on for so long at least: 90s, 30m, 8h.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    time: Option<Duration>,
    /// Seed this bug into the program; the loop is to find it.
    #[arg(long, value_name = "BUG")]
    bug: Vec<Bug>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(super) json: bool,
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
    /// The bugs that the program has.
    pub bugs: Vec<Bug>,
}

/// Of ten recipients so many are sent a message, at the least: some campaigns are cancelled.
const DELIVERED_OF_TEN: u64 = 6;

/// One process that stands still for so many that are killed.
const KILLS_A_FREEZE: u64 = 10;

impl Plan {
    pub(super) fn of(arguments: &Arguments) -> anyhow::Result<Self> {
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
            seed: arguments.seed.seed(),
            time: arguments.time.unwrap_or_default(),
            bugs: arguments.bug.clone(),
        })
    }

    pub(super) fn wanted(&self) -> Wanted {
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
    pub(super) fn deliveries(&self) -> u64 {
        self.users as u64 * DELIVERED_OF_TEN / 10
    }

    /// The command that plays it again.
    pub(super) fn command(&self) -> String {
        let engine = match &self.engine {
            Engine::Sqlite => "--sqlite".to_owned(),
            Engine::Server(url) => format!("--mysql {url}"),
            Engine::Own(program) => format!("--mariadbd {}", program.display()),
        };
        let bugs: String = self.bugs.iter().map(|bug| format!(" --bug {bug}")).collect();
        format!(
            "cargo run --release -p faults -- kill-loop {engine} --users {} --kills {} --faults {} --mysql-kills {} \
             --processes {} --seed {}{bugs}",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_whole_number_and_its_unit() {
        let read = ["90s", "30m", "8h"].map(duration);

        assert_eq!(
            read,
            [90, 1_800, 28_800].map(|seconds| Ok(Duration::from_secs(seconds)))
        );
        for wrong in ["", "8", "h", "1.5h", "8d", "８h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
