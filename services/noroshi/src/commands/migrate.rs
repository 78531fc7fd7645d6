//! `noroshi migrate`: brings the SQL database, and that of files, to this program's schema.

use clap::Subcommand;
use database::Db;
use database::migrate::{self, State, Status};
use runtime::backends::{connect_database, connect_files};
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
            Ok((main, files)) => {
                output::line(table(&main));
                if let Some(files) = files {
                    output::line(format_args!("\n[files] database:\n{}", table(&files)));
                }
                ExitCode::Done
            }
            Err(error) => {
                output::fault(&error);
                error.exit_code()
            }
        }
    })
}

/// Those of the main database, and those of the files' where they have one.
async fn migrations(
    command: Option<MigrateCommand>,
    config: &Config,
) -> Result<(Vec<Status>, Option<Vec<Status>>), ConnectError> {
    let main = of(command, connect_database(config).await?).await?;
    let files = match connect_files(config).await? {
        Some(files) => Some(of(command, files).await.map_err(ConnectError::Files)?),
        None => None,
    };
    Ok((main, files))
}

async fn of(command: Option<MigrateCommand>, db: Db) -> Result<Vec<Status>, database::Error> {
    let migrations = async {
        match command {
            None => migrate::run(&db).await?,
            Some(MigrateCommand::Status) => {}
        }
        migrate::status(&db).await
    }
    .await;
    db.close().await;
    migrations
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
