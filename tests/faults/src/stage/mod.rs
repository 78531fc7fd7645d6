//! Where a case plays: stores, queue and gateway that outlive the process under test.
//!
//! They live in this process, so that killing that one leaves them as a cluster would be left.
//! SQLite is the exception: its file is the process's own, and lies in the stage's directory.

mod process;
mod servers;
mod settings;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use database::Db;
use emulator::sink::ledger::Reader;
use fault_points::{Bug, Fault};
use journeys::world::{Books, Client};
use push_store::PushStore;
use serde_json::Value;
use tempfile::TempDir;

pub use process::{Journal, UnderTest};
pub use servers::{Servers, Sql};

/// How long the process under test may take to start: the machine runs many of them.
const START: Duration = Duration::from_secs(60);

/// What cases are played with.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Where decisions are kept.
    pub sql: Sql,
    /// This package's program, which is `noroshi` with fault points as well.
    pub program: PathBuf,
}

/// One case's stores, and the process under test, through all its lives.
#[derive(Debug)]
pub struct Stage {
    program: PathBuf,
    directory: TempDir,
    servers: Servers,
    process: Option<UnderTest>,
    /// What the process under test works with, seen from outside.
    pub books: Books,
}

impl Stage {
    /// Empty stores, and nothing running.
    pub async fn set(ground: &Ground) -> anyhow::Result<Self> {
        let directory = TempDir::with_prefix("noroshi-faults-")?;
        let servers = Servers::start(directory.path(), &ground.sql).await?;
        let books = Books {
            db: Db::connect(&servers.sql_settings()).await.context("SQL")?,
            push_store: PushStore::connect(servers.datastore_settings())
                .await
                .context("Datastore")?,
            ledger: servers.ledger().to_owned(),
        };
        database::migrate::run(&books.db).await?;
        Ok(Self {
            program: ground.program.clone(),
            directory,
            servers,
            process: None,
            books,
        })
    }

    /// Starts the process under test, or its next life, and waits until its API answers.
    pub async fn start(&mut self, faults: &[Fault], bugs: &[Bug]) -> anyhow::Result<()> {
        let settings = settings::settings(self.directory.path(), &self.servers);
        let file = settings.write(self.directory.path());
        let process = UnderTest::start(&self.program, &file, &self.journal(), faults, bugs);
        let process = self.process.insert(process);
        process.ready(START).await;
        Ok(())
    }

    /// The API of the process under test.
    pub fn api(&self) -> Option<&Client> {
        self.process.as_ref().and_then(UnderTest::api)
    }

    /// Whether the process under test has ended by itself, or never ran.
    pub fn is_dead(&mut self) -> bool {
        self.process.as_mut().is_none_or(UnderTest::has_ended)
    }

    /// Ends the process under test by a drain.
    pub async fn drain(&mut self) {
        if let Some(process) = self.process.take() {
            process.drain().await;
        }
    }

    /// What the process under test has reached and done wrong, in all its lives.
    pub fn journal(&self) -> Journal {
        Journal::new(self.directory.path().join("faults.log"))
    }

    /// The end of what the process under test has written.
    pub fn log_tail(&self, lines: usize) -> String {
        process::tail(self.directory.path(), lines)
    }

    /// Lets the gateway make that trouble.
    pub async fn play(&self, script: &Value) -> anyhow::Result<()> {
        let url = format!("{}/_sink/script", self.servers.gateway_endpoint());
        let answer = reqwest::Client::new().put(url).json(script).send().await?;
        answer.error_for_status().context("the script")?;
        Ok(())
    }

    /// Messages that the gateway has accepted.
    pub fn accepted(&self) -> usize {
        Reader::open(self.servers.ledger()).map_or(0, Iterator::count)
    }

    /// Ends everything, and removes what it left.
    pub async fn clear(mut self) {
        self.drain().await;
        self.books.db.close().await;
        self.servers.stop().await;
    }
}
