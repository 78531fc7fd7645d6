//! The parts that run in this process because no other was configured.
//!
//! Each listens on a loopback port of its own and keeps its facts in a file of the data
//! directory, which belongs to one process at a time. The clients reach them as they would
//! reach the real ones.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use emulator::{clock, datastore, sink, tasks};

use crate::clock::Clock;
use crate::config::{Concurrency, Config, Endpoint};

/// The embedded gateway's ledger, in the data directory.
pub const LEDGER: &str = "sink.ledger";

/// Why an embedded part did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be made.
    #[error("the data directory cannot be made")]
    Directory(#[source] std::io::Error),
    /// The entity store.
    #[error("the embedded datastore did not start")]
    Datastore(#[from] datastore::StartError),
    /// The task queue.
    #[error("the embedded task queue did not start")]
    Tasks(#[from] tasks::StartError),
    /// The gateway.
    #[error("the embedded gateway did not start")]
    Sink(#[from] sink::StartError),
}

/// The embedded parts of a process. Those that are elsewhere are `None`.
#[derive(Debug, Default)]
pub struct Embedded {
    datastore: Option<datastore::Server>,
    tasks: Option<tasks::Server>,
    sink: Option<sink::Server>,
}

/// Where the parts are, embedded or not, as URLs.
#[derive(Debug)]
pub(crate) struct Endpoints {
    pub(crate) datastore: String,
    pub(crate) queue: String,
    /// What stands for all gateways, if anything does.
    pub(crate) sink: Option<String>,
}

impl Embedded {
    /// Starts what the configuration does not say to be elsewhere.
    pub(crate) async fn start(config: &Config, clock: &Clock) -> Result<(Self, Endpoints), StartError> {
        let mut embedded = Self::default();
        let endpoints = Endpoints {
            datastore: match &config.datastore.endpoint {
                Endpoint::At(url) => url.as_str().to_owned(),
                Endpoint::Embedded => {
                    let settings = datastore_settings(config, clock)?;
                    let server = datastore::Server::start(settings, any_port()).await?;
                    url(embedded.datastore.insert(server).address())
                }
            },
            queue: match &config.queue.endpoint {
                Endpoint::At(url) => url.as_str().to_owned(),
                Endpoint::Embedded => {
                    let storage = tasks::Storage::File(file(config, "tasks.db")?);
                    let settings = tasks::Config {
                        clock: adapted(clock),
                        ..tasks::Config::new(storage)
                    };
                    let server = tasks::Server::start(settings, any_port()).await?;
                    url(embedded.tasks.insert(server).address())
                }
            },
            sink: if config.provider.is_embedded() {
                let ledger = file(config, LEDGER)?;
                let settings = sink::Config {
                    clock: adapted(clock),
                    ..sink::Config::new(ledger)
                };
                let server = sink::Server::start(settings, any_port()).await?;
                Some(url(embedded.sink.insert(server).address()))
            } else {
                None
            },
        };
        Ok((embedded, endpoints))
    }

    /// Where Datastore is reached, if it is embedded.
    pub fn datastore(&self) -> Option<SocketAddr> {
        self.datastore.as_ref().map(datastore::Server::address)
    }

    /// Where the task queue is reached, if it is embedded.
    pub fn task_queue(&self) -> Option<SocketAddr> {
        self.tasks.as_ref().map(tasks::Server::address)
    }

    /// Where the sink is reached, if it is embedded; its script is changed there.
    pub fn sink(&self) -> Option<SocketAddr> {
        self.sink.as_ref().map(sink::Server::address)
    }

    /// Stops them, the queue first, so that nothing is dispatched to what is going away.
    pub async fn stop(self) {
        if let Some(tasks) = self.tasks {
            tasks.stop().await;
        }
        if let Some(sink) = self.sink {
            sink.stop().await;
        }
        if let Some(datastore) = self.datastore {
            datastore.stop().await;
        }
    }
}

fn datastore_settings(config: &Config, clock: &Clock) -> Result<datastore::Config, StartError> {
    Ok(datastore::Config {
        storage: datastore::Storage::File(file(config, "datastore.db")?),
        concurrency: match config.datastore.concurrency {
            Concurrency::Optimistic => datastore::Concurrency::Optimistic,
            Concurrency::Pessimistic => datastore::Concurrency::PESSIMISTIC,
        },
        clock: adapted(clock),
        ..datastore::Config::default()
    })
}

/// A file in the data directory, which is made if it is missing.
pub(crate) fn file(config: &Config, name: &str) -> Result<PathBuf, StartError> {
    std::fs::create_dir_all(&config.data.dir).map_err(StartError::Directory)?;
    Ok(config.data.dir.join(name))
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn adapted(clock: &Clock) -> Arc<dyn clock::Clock> {
    Arc::new(Adapted(clock.clone()))
}

/// Our clock as the embedded parts ask it.
#[derive(Debug)]
struct Adapted(Clock);

impl clock::Clock for Adapted {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    fn sleep_until(&self, at: DateTime<Utc>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.0.sleep_until(at))
    }
}
