//! The servers of a stage: Datastore, the queue and the gateway in this process, and a database.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::Context;
use database::{create_database, drop_database};
use emulator::{datastore, sink, tasks};
use journeys::wire::grpc;
use uuid::Uuid;

use super::wires::SEED;

/// What the process under test keeps its decisions in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sql {
    /// A file of its own.
    Sqlite,
    /// A database of its own on this server, `mysql://user@host:port`.
    MySql(String),
}

/// What pushes and chunks are kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datastore {
    /// Ours.
    Embedded,
    /// Google's emulator at this `host:port`, in a project of the stage's own.
    Google(String),
}

/// The project of every stage in the queue and at the gateway, which are the stage's own.
pub(super) const PROJECT: &str = "faults";

/// The servers of one stage.
#[derive(Debug)]
pub struct Servers {
    /// `None` if it is somebody else's.
    own_datastore: Option<datastore::Server>,
    datastore: String,
    /// Of Datastore: other stages are in projects of their own.
    project: String,
    tasks: tasks::Server,
    queue: grpc::Proxy,
    sink: sink::Server,
    sql: database::Settings,
    is_mysql: bool,
    sender: SocketAddr,
    ledger: PathBuf,
}

impl Servers {
    /// Starts them, with their files in `directory`.
    pub async fn start(directory: &Path, sql: &Sql, datastore: &Datastore) -> anyhow::Result<Self> {
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
        let (own_datastore, datastore) = match datastore {
            Datastore::Embedded => {
                let server = datastore::Server::start(datastore::Config::default(), loopback()).await?;
                let address = server.address().to_string();
                (Some(server), address)
            }
            Datastore::Google(address) => (None, address.clone()),
        };
        // Tokens name their issuer by the address at which the queue is known.
        let behind = free_address()?;
        let queue = grpc::Proxy::start(behind, SEED).await;
        let tasks = tasks::Config {
            issuer: Some(format!("http://{}", queue.address())),
            ..tasks::Config::new(tasks::Storage::Memory)
        };
        Ok(Self {
            own_datastore,
            datastore,
            project: format!("faults-{}", Uuid::new_v4().simple()),
            tasks: tasks::Server::start(tasks, behind).await?,
            queue,
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
            endpoint: format!("http://{}", self.datastore),
            project: self.project.clone(),
            database: String::new(),
            namespace: String::new(),
            deadline: Duration::from_secs(20),
        }
    }

    /// The SQL server, `host:port`; `None` where there is a file.
    pub fn sql_server(&self) -> Option<&str> {
        let (_, rest) = self.sql.url.strip_prefix("mysql://")?.split_once('@')?;
        rest.split('/').next()
    }

    /// Datastore, `host:port`.
    pub fn datastore(&self) -> &str {
        &self.datastore
    }

    /// The project in Datastore.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The queue, which is always behind a wire.
    pub fn queue(&self) -> &grpc::Proxy {
        &self.queue
    }

    /// The gateway.
    pub fn gateway(&self) -> SocketAddr {
        self.sink.address()
    }

    /// What the gateway has counted.
    pub fn gateway_counts(&self) -> sink::Counts {
        self.sink.counts()
    }

    /// Where the sender of the process under test listens, in all its lives: the tasks name it.
    pub fn sender(&self) -> SocketAddr {
        self.sender
    }

    /// What the gateway accepted.
    pub fn ledger(&self) -> &Path {
        &self.ledger
    }

    /// Stops them, and drops the database.
    pub async fn stop(self) {
        self.tasks.stop().await;
        self.sink.stop().await;
        if let Some(datastore) = self.own_datastore {
            datastore.stop().await;
        }
        if self.is_mysql {
            // One that stays is found by whoever cleans the server up.
            let _ = drop_database(&self.sql).await;
        }
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A port on which nobody listens, below those that the kernel hands out by itself: it stays free
/// between the lives of whoever listens there. No two stages of a process have the same.
pub(super) fn free_address() -> io::Result<SocketAddr> {
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(rand::random()));
    loop {
        let port = 20_000 + NEXT.fetch_add(1, Ordering::Relaxed) % 12_000;
        match TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))) {
            Ok(listener) => return listener.local_addr(),
            Err(taken) if taken.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
}
