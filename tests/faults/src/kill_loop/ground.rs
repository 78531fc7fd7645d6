//! What outlives every kill: Datastore, the queue and the gateways, in this process; and SQL.
//!
//! Every process under test has a gateway of its own, so that the ledgers tell who sent what; to
//! people they are one.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use database::Db;
use emulator::sink::ledger::Reader;
use emulator::{datastore, sink, tasks};
use journeys::ports::free_address;
use journeys::wire::grpc;
use journeys::world::Books;
use push_store::PushStore;
use uuid::Uuid;

use super::settings::{PROJECT, Places};
use super::wires::Wires;
use crate::engine::{Engine, Sql};

/// The gateways' own trouble: some messages are refused once, some addresses are gone.
const SCRIPT: &str = r#"{"faults": [
    {"outcome": "unavailable", "share": 0.04, "first": 1},
    {"outcome": "unregistered", "share": 0.02}
]}"#;

/// The servers, and what is between them and the processes.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) sql: Sql,
    pub(super) books: Books,
    pub(super) wires: Vec<Wires>,
    datastore: datastore::Server,
    tasks: tasks::Server,
    gateways: Vec<sink::Server>,
    ledgers: Vec<Reader>,
    delivered: HashSet<u128>,
    /// Between all processes and the queue: the queue's tokens name one address.
    _to_queue: grpc::Proxy,
}

impl Ground {
    /// Starts them for so many processes. Says where each of these finds everything.
    pub(super) async fn start(
        engine: &Engine,
        processes: usize,
        directory: &Path,
        seed: u64,
    ) -> anyhow::Result<(Self, Vec<Places>)> {
        let sql = Sql::start(engine, directory).await.context("SQL")?;
        let datastore = datastore::Server::start(datastore::Config::default(), loopback()).await?;
        let (tasks, to_queue) = start_queue(seed).await?;
        let mut gateways = Vec::with_capacity(processes);
        let mut wires = Vec::with_capacity(processes);
        let mut places = Vec::with_capacity(processes);
        for no in 0..processes {
            let gateway = start_gateway(ledger(directory, no)).await?;
            let sender = free_address()?;
            let seed = seed.wrapping_add(no as u64);
            let wire = Wires::start(sql.server(), datastore.address(), gateway.address(), sender, seed).await;
            places.push(Places {
                sql: sql.url_by(wire.sql.as_ref().map(journeys::wire::Proxy::address)),
                datastore: wire.datastore.address(),
                queue: to_queue.address(),
                gateway: wire.gateway.address(),
                handler: wire.handler.address(),
                admin: free_address()?,
                sender,
            });
            gateways.push(gateway);
            wires.push(wire);
        }
        // The tasks that one process creates are delivered by the next.
        let handlers: Vec<_> = places.iter().map(|places| places.handler).collect();
        for (places, handler) in places.iter_mut().zip(handlers.iter().cycle().skip(1)) {
            places.handler = *handler;
        }
        let books = open_books(&sql, &datastore, directory).await?;
        let ledgers = (0..processes).map(|no| Reader::open(ledger(directory, no)));
        let ground = Self {
            ledgers: ledgers.collect::<Result<_, _>>()?,
            delivered: HashSet::new(),
            sql,
            books,
            wires,
            datastore,
            tasks,
            gateways,
            _to_queue: to_queue,
        };
        Ok((ground, places))
    }

    /// Messages that the gateways have accepted, doubles too.
    pub(super) fn accepted(&self) -> u64 {
        let accepted = self.gateways.iter().map(|gateway| gateway.counts().accepted);
        accepted.sum()
    }

    /// Pushes of which they have accepted a message.
    pub(super) fn delivered(&mut self) -> anyhow::Result<u64> {
        for entry in self.ledgers.iter_mut().flatten() {
            self.delivered.insert(entry?.push_id.parse::<Uuid>()?.as_u128());
        }
        Ok(self.delivered.len() as u64)
    }

    /// Ends what takes requests, and keeps what the books are read from.
    pub(super) async fn close(self) -> Closed {
        for gateway in self.gateways {
            gateway.stop().await;
        }
        self.tasks.stop().await;
        Closed {
            sql: self.sql,
            books: self.books,
            datastore: self.datastore,
        }
    }
}

/// The stores alone, for the books to be compared.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) sql: Sql,
    pub(super) books: Books,
    datastore: datastore::Server,
}

impl Closed {
    /// Ends them.
    pub(super) async fn stop(self) {
        self.books.db.close().await;
        self.sql.stop().await;
        self.datastore.stop().await;
    }
}

/// What the gateway of a process has accepted.
pub(super) fn ledger(directory: &Path, process: usize) -> PathBuf {
    directory.join(format!("ledger-{process}"))
}

/// What all of them have.
pub(super) fn whole_ledger(directory: &Path) -> PathBuf {
    directory.join("ledger")
}

async fn open_books(sql: &Sql, datastore: &datastore::Server, directory: &Path) -> anyhow::Result<Books> {
    let settings = push_store::Settings {
        endpoint: format!("http://{}", datastore.address()),
        project: PROJECT.to_owned(),
        database: String::new(),
        namespace: String::new(),
        deadline: Duration::from_secs(20),
    };
    let books = Books {
        db: Db::connect(sql.settings()).await.context("SQL")?,
        push_store: PushStore::connect(settings).await.context("Datastore")?,
        ledger: whole_ledger(directory),
    };
    database::migrate::run(&books.db).await?;
    Ok(books)
}

async fn start_gateway(ledger: PathBuf) -> anyhow::Result<sink::Server> {
    let config = sink::Config {
        script: serde_json::from_str(SCRIPT).context("the gateways' script")?,
        ..sink::Config::new(ledger)
    };
    Ok(sink::Server::start(config, loopback()).await?)
}

async fn start_queue(seed: u64) -> anyhow::Result<(tasks::Server, grpc::Proxy)> {
    let address = free_address()?;
    let wire = grpc::Proxy::start(address, seed).await;
    let config = tasks::Config {
        issuer: Some(format!("http://{}", wire.address())),
        ..tasks::Config::new(tasks::Storage::Memory)
    };
    Ok((tasks::Server::start(config, address).await?, wire))
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}
