//! `noroshi migrate`: brings the SQL database to this program's schema.

use clap::Subcommand;
use database::migrate::{self, State};
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

/// Applies what is pending, or lists what there is.
pub fn run(command: Option<MigrateCommand>, config: Config) -> ExitCode {
    process::run(config, |process| async move {
        let done = match command {
            None => apply(&process.config).await,
            Some(MigrateCommand::Status) => Ok(()),
        };
        match async {
            done?;
            list(&process.config).await
        }
        .await
        {
            Ok(()) => ExitCode::Done,
            Err(error) => {
                output::fault(&error);
                error.exit_code()
            }
        }
    })
}

async fn apply(config: &Config) -> Result<(), ConnectError> {
    let db = connect_database(config).await?;
    let applied = migrate::run(&db).await;
    db.close().await;
    Ok(applied?)
}

async fn list(config: &Config) -> Result<(), ConnectError> {
    let db = connect_database(config).await?;
    let migrations = migrate::status(&db).await?;
    let mut table = Table::new();
    for migration in &migrations {
        let state = match migration.state {
            State::Applied => "applied",
            State::Pending => "pending",
            State::Foreign => "of another version of noroshi",
        };
        table.row([&migration.version, &migration.name, &state]);
    }
    output::line(table);
    db.close().await;
    Ok(())
}
