//! `noroshi migrate`: brings the SQL database to this program's schema.

use clap::Subcommand;
use database::migrate::{self, State, Status};
use runtime::backends::connect_database;
use runtime::{Config, ConnectError, ExitCode, Failure, process};

use crate::output;
use crate::table::Table;

/// What to do with the migrations.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum MigrateCommand {
    /// List the migrations and whether the database has them. Changes nothing.
    Status,
}

/// Applies what is pending, unless only the status is asked for, and lists what there is.
pub fn run(command: Option<MigrateCommand>, config: Config) -> ExitCode {
    process::run(config, |process| async move {
        match migrations(command, &process.config).await {
            Ok(migrations) => {
                output::line(table(&migrations));
                ExitCode::Done
            }
            Err(error) => {
                output::fault(&error);
                error.exit_code()
            }
        }
    })
}

async fn migrations(command: Option<MigrateCommand>, config: &Config) -> Result<Vec<Status>, ConnectError> {
    let db = connect_database(config).await?;
    let migrations = async {
        match command {
            None => migrate::run(&db).await?,
            Some(MigrateCommand::Status) => {}
        }
        migrate::status(&db).await
    }
    .await;
    db.close().await;
    Ok(migrations?)
}

fn table(migrations: &[Status]) -> Table {
    let mut table = Table::new();
    for migration in migrations {
        let state = match migration.state {
            State::Applied => "applied",
            State::Pending => "pending",
            State::Foreign => "of another version of noroshi",
        };
        table.row([&migration.version, &migration.name, &state]);
    }
    table
}
