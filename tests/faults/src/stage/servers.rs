//! The servers of a stage: Datastore, the queue and the gateway in this process, and a database.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use database::{create_database, drop_database};
use emulator::{datastore, sink, tasks};
use uuid::Uuid;

/// What the process under test keeps its decisions in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sql {
    /// A file of its own.
    Sqlite,
    /// A database of its own on this server, `mysql://user@host:port`.
    MySql(String),
}

/// The project of every stage in every part; the parts are the stage's own.
pub(super) const PROJECT: &str = "faults";

/// The servers of one stage.
#[derive(Debug)]
pub struct Servers {
    datastore: datastore::Server,
    tasks: tasks::Server,
    sink: sink::Server,
    sql: database::Settings,
    is_mysql: bool,
    sender: SocketAddr,
    ledger: PathBuf,
}

impl Servers {
    /// Starts them, with their files in `directory`.
    pub async fn start(directory: &Path, sql: &Sql) -> anyhow::Result<Self> {
        let ledger = directory.join("ledger");
        let sql_settings = match sql {
            Sql::Sqlite => {
                database::Settings::new(format!("sqlite:{}", directory.join("noroshi.db").display()))
            }
            Sql::MySql(server) => {
                database::Settings::new(format!("{server}/noroshi_faults_{}", Uuid::new_v4().simple()))
            }
        };
        let is_mysql = *sql != Sql::Sqlite;
        if is_mysql {
            create_database(&sql_settings)
                .await
                .context("a database for the case")?;
        }
        Ok(Self {
            datastore: datastore::Server::start(datastore::Config::default(), loopback()).await?,
            tasks: tasks::Server::start(tasks::Config::new(tasks::Storage::Memory), loopback()).await?,
            sink: sink::Server::start(sink::Config::new(ledger.clone()), loopback()).await?,
            sql: sql_settings,
            is_mysql,
            sender: free_address()?,
            ledger,
        })
    }

    /// How to reach the database.
    pub fn sql_settings(&self) -> database::Settings {
        self.sql.clone()
    }

    /// How to reach Datastore.
    pub fn datastore_settings(&self) -> push_store::Settings {
        push_store::Settings {
            endpoint: self.datastore_endpoint(),
            project: PROJECT.to_owned(),
            database: String::new(),
            namespace: String::new(),
            deadline: Duration::from_secs(20),
        }
    }

    /// As configuration has it.
    pub fn datastore_endpoint(&self) -> String {
        format!("http://{}", self.datastore.address())
    }

    /// As configuration has it.
    pub fn queue_endpoint(&self) -> String {
        format!("http://{}", self.tasks.address())
    }

    /// As configuration has it.
    pub fn gateway_endpoint(&self) -> String {
        format!("http://{}", self.sink.address())
    }

    /// Where the sender of the process under test listens, in all its lives: the tasks name it.
    pub fn sender(&self) -> SocketAddr {
        self.sender
    }

    /// Where the queue calls.
    pub fn handler(&self) -> String {
        format!("http://{}/tasks/deliver", self.sender)
    }

    /// What the gateway accepted.
    pub fn ledger(&self) -> &Path {
        &self.ledger
    }

    /// Stops them, and drops the database.
    pub async fn stop(self) {
        self.tasks.stop().await;
        self.sink.stop().await;
        self.datastore.stop().await;
        if self.is_mysql {
            // One that stays is found by whoever cleans the server up.
            let _ = drop_database(&self.sql).await;
        }
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A port that was free a moment ago.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind(loopback())?.local_addr()?)
}
