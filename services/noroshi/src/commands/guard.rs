//! `noroshi guard`: what the load guard of a running installation has found.

use std::fmt;

use clap::{Args, Subcommand};
use runtime::{Config, ExitCode};
use serde::Deserialize;

use super::on_api::{self, show};
use crate::api::ApiArguments;
use crate::table::Table;

/// What to ask of the load guard, and where.
#[derive(Clone, Debug, Args)]
pub struct GuardArguments {
    #[command(subcommand)]
    command: GuardCommand,
    #[command(flatten)]
    api: ApiArguments,
}

/// What to ask.
#[derive(Clone, Copy, Debug, Subcommand)]
enum GuardCommand {
    /// Show how much may begin, what slows it down, and what was found
    ///
    /// Every process watches for itself; this is what the one sees that answers the API.
    #[command(verbatim_doc_comment)]
    Status(StatusArguments),
}

#[derive(Clone, Copy, Debug, Args)]
struct StatusArguments {
    /// Print the API's answer as one JSON document.
    #[arg(long)]
    json: bool,
}

/// What the API answers.
#[derive(Debug, Deserialize)]
struct Status {
    state: String,
    share: f64,
    cause: Option<String>,
    sampled_at: Option<String>,
    replicas: Vec<Replica>,
    threads_running: Option<u32>,
    statement_seconds: Option<f64>,
    datastore_error_ratio: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Replica {
    name: String,
    hearing: String,
    lag_seconds: Option<f64>,
}

/// Asks it, of the API that the arguments or the configuration name.
pub fn run(arguments: GuardArguments, config: Config) -> ExitCode {
    let GuardArguments { command, api } = arguments;
    let GuardCommand::Status(StatusArguments { json }) = command;
    on_api::run(api, config, async |api, _| {
        let request = api.get("/guard");
        let status = api.document("the question for the load guard", request).await?;
        show(&status, json, |status: &Status| status.to_string())
    })
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(sampled_at) = &self.sampled_at else {
            return f.write_str("Nothing is watched: [guard] enabled is false.");
        };
        let mut table = Table::new();
        let share = format!("{}, {:.0} % may begin", self.state, self.share * 100.0);
        table.row([&"state", &share]);
        if let Some(cause) = &self.cause {
            table.row([&"cause", cause]);
        }
        table.row([&"sampled at", sampled_at]);
        for replica in &self.replicas {
            table.row([&format!("replica {}", replica.name), replica]);
        }
        if let Some(running) = self.threads_running {
            table.row([&"threads running", &running]);
        }
        let statement = self.statement_seconds.map_or_else(
            || "no answer".to_owned(),
            |seconds| format!("{:.1} ms", seconds * 1e3),
        );
        table.row([&"statement", &statement]);
        let errors = self.datastore_error_ratio.map_or_else(
            || "too few commits".to_owned(),
            |ratio| format!("{:.0} %", ratio * 100.0),
        );
        table.row([&"datastore errors", &errors]);
        write!(f, "{table}")
    }
}

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hearing)?;
        match self.lag_seconds {
            Some(lag) => write!(f, ", {lag:.1} s behind"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_slows_us_down_is_told_with_what_was_found() {
        let status = serde_json::json!({
            "state": "held", "share": 0.0, "cause": "replica_lag",
            "sampled_at": "2026-07-01T12:00:00Z",
            "replicas": [
                {"name": "db-1:3306", "hearing": "stopped", "lag_seconds": null},
                {"name": "db-2:3306", "hearing": "heard", "lag_seconds": 0.25},
            ],
            "threads_running": 3, "statement_seconds": 0.0042, "datastore_error_ratio": null,
        });

        let told = serde_json::from_value::<Status>(status).unwrap().to_string();

        assert_eq!(
            told,
            "\
state              held, 0 % may begin
cause              replica_lag
sampled at         2026-07-01T12:00:00Z
replica db-1:3306  stopped
replica db-2:3306  heard, 0.2 s behind
threads running    3
statement          4.2 ms
datastore errors   too few commits"
        );
    }
}
