//! Making and dropping whole databases, for a first installation and for tests.
//!
//! A SQLite file is made by connecting to it, so here is only MySQL's side.

use std::str::FromStr;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::db::Settings;
use super::error::Error;

/// Makes the MySQL database that the URL names, with the collation that [`super::Db::connect`]
/// asks for. One that is there stays as it is. On SQLite it does nothing.
pub async fn create_database(settings: &Settings) -> Result<(), Error> {
    run(settings, |name| {
        format!("CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    })
    .await
}

/// Drops the MySQL database that the URL names, with everything in it. On SQLite it does nothing.
pub async fn drop_database(settings: &Settings) -> Result<(), Error> {
    run(settings, |name| format!("DROP DATABASE IF EXISTS {name}")).await
}

async fn run(settings: &Settings, statement: impl FnOnce(&str) -> String) -> Result<(), Error> {
    if settings.url.starts_with("sqlite:") {
        return Ok(());
    }
    let (mut server, name) = connect_to_server(&settings.url).await?;
    let quoted = format!("`{}`", name.replace('`', "``"));
    server.execute(AssertSqlSafe(statement(&quoted))).await?;
    Ok(server.close().await?)
}

/// A connection to the server without a database, and the name of the URL's.
async fn connect_to_server(url: &str) -> Result<(MySqlConnection, String), Error> {
    let options = MySqlConnectOptions::from_str(url)?;
    let name = options
        .get_database()
        .ok_or_else(|| Error::unsuitable("the URL names no database"))?
        .to_owned();
    // Every server has this one.
    let server = options.database("information_schema").connect().await?;
    Ok((server, name))
}
