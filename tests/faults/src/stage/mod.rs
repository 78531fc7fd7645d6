//! Where a case plays: stores, queue and gateway that outlive the process under test.
//!
//! They live in this process, so that killing that one leaves them as a cluster would be left.
//! SQLite is the exception: its file is the process's own, and lies in the stage's directory.

mod process;
mod servers;
mod settings;
mod webhook;
mod wires;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use database::Db;
use emulator::sink::ledger::Reader;
use emulator::sink::{Outcome, Script};
use fault_points::Bug;
use journeys::world::{Books, Client};
use push_store::PushStore;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::case::{Call, Case, Grudge, HANG, Lie, Scenario, Trouble};
use process::Plan;
pub use process::{Journal, UnderTest};
pub use servers::{Datastore, Servers, Sql};
pub use webhook::Post;
use webhook::Webhook;
use wires::Wires;

/// How long the process under test may take to start: the machine runs many of them.
const START: Duration = Duration::from_secs(60);

/// How long a server is down and a process stands still: longer than any lease.
const OUTAGE: Duration = Duration::from_secs(5);

/// What cases are played with.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Where decisions are kept.
    pub sql: Sql,
    /// Where pushes are kept.
    pub datastore: Datastore,
    /// This package's program, which is `noroshi` with fault points as well.
    pub program: PathBuf,
}

/// One case's stores, and the process under test, through all its lives.
#[derive(Debug)]
pub struct Stage {
    program: PathBuf,
    directory: TempDir,
    servers: Servers,
    wires: Wires,
    process: Option<UnderTest>,
    beside: Option<UnderTest>,
    http: reqwest::Client,
    scenario: Scenario,
    webhook: Option<Webhook>,
    hang: Duration,
    /// What the gateway does wrong.
    grudges: Vec<Grudge>,
    /// What the process under test works with, seen from outside.
    pub books: Books,
}

impl Stage {
    /// Empty stores, and nothing running.
    pub async fn set(ground: &Ground) -> anyhow::Result<Self> {
        runtime::process::install_crypto();
        let directory = TempDir::with_prefix("noroshi-faults-")?;
        let servers = Servers::start(directory.path(), &ground.sql, &ground.datastore).await?;
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
            wires: Wires::default(),
            process: None,
            beside: None,
            http: reqwest::Client::new(),
            scenario: Scenario::Deliver,
            webhook: None,
            hang: HANG,
            grudges: Vec::new(),
            books,
        })
    }

    /// The same, with the wires that the case needs.
    pub async fn of(ground: &Ground, case: &Case) -> anyhow::Result<Self> {
        let mut stage = Self::set(ground).await?;
        stage.wires = Wires::lay(&stage.servers, case.lies()).await;
        stage.hang = case.hang;
        stage.scenario = case.scenario;
        if case.scenario.has_webhook() {
            stage.webhook = Some(Webhook::start(taken_by(case.scenario)).await?);
        }
        stage.grudges = case.troubles().filter_map(|trouble| trouble.grudge()).collect();
        Ok(stage)
    }

    /// Starts the process under test, or its next life, and waits until its API answers.
    pub async fn start(&mut self, troubles: &[Trouble], bugs: &[Bug]) -> anyhow::Result<()> {
        for lie in troubles.iter().filter_map(Trouble::lie) {
            self.wires.tell(lie, &self.servers);
        }
        let directory = self.directory.path();
        let process = self.run(directory, self.servers.sender(), troubles, bugs);
        self.process.insert(process).ready(START).await;
        Ok(())
    }

    /// Starts a second process on the same stores, and waits until it works. The queue does not
    /// call it.
    pub async fn start_beside(&mut self, troubles: &[Trouble], bugs: &[Bug]) -> anyhow::Result<()> {
        let directory = self.directory.path().join("beside");
        std::fs::create_dir(&directory)?;
        let process = self.run(&directory, servers::free_address()?, troubles, bugs);
        self.beside.insert(process).ready(START).await;
        Ok(())
    }

    fn run(&self, directory: &Path, sender: SocketAddr, troubles: &[Trouble], bugs: &[Bug]) -> UnderTest {
        let settings = settings::settings(directory, sender, &self.servers, &self.wires);
        let webhook = self.webhook.as_ref().map(Webhook::address);
        let settings = settings::of_scenario(settings, self.scenario, directory, webhook);
        let settings = settings.write(directory);
        let plan = Plan {
            faults: troubles.iter().filter_map(Trouble::point).collect(),
            bugs,
            hang: self.hang,
            clock_ms: troubles.iter().find_map(Trouble::clock).unwrap_or_default(),
        };
        UnderTest::start(&self.program, &settings, &self.journal(), &plan)
    }

    /// Lies that have happened.
    pub fn struck(&self) -> impl Iterator<Item = Lie> {
        self.wires.happened()
    }

    /// Kills the process under test.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Lets the process under test stand still for a while, and go on.
    pub async fn freeze(&mut self) {
        if let Some(process) = self.process.as_mut() {
            process.freeze(OUTAGE).await;
        }
    }

    /// Takes down, for a while, the server that such calls are made to.
    pub async fn outage(&self, of: Call) {
        self.wires.take_down(of, &self.servers);
        sleep(OUTAGE).await;
        self.wires.bring_up(&self.servers);
    }

    /// The API of the process under test.
    pub fn api(&self) -> Option<&Client> {
        self.process.as_ref().and_then(UnderTest::api)
    }

    /// Whether the process under test has ended by itself, or never ran.
    pub fn is_dead(&mut self) -> bool {
        self.process.as_mut().is_none_or(UnderTest::has_ended)
    }

    /// Ends every process by a drain.
    pub async fn drain(&mut self) {
        for process in [self.process.take(), self.beside.take()].into_iter().flatten() {
            process.drain().await;
        }
    }

    /// How often the gateway has dropped a connection, and with it whatever was under way on it.
    pub fn resets(&self) -> usize {
        let struck = self.servers.gateway_counts().faults;
        struck
            .get(&Outcome::ResetAfterAccept)
            .map_or(0, |times| usize::try_from(*times).unwrap_or(usize::MAX))
    }

    /// Attempts that took longer than their lease.
    pub fn overruns(&self) -> usize {
        process::overruns(self.directory.path(), settings::LEASE)
    }

    /// The names of everything that has gone wrong so far.
    pub fn happened(&self) -> BTreeSet<String> {
        let mut happened = self.journal().happened();
        happened.extend(self.struck().map(|lie| lie.name.to_owned()));
        let struck = self.servers.gateway_counts().faults;
        let grudges = self.grudges.iter();
        let struck = grudges.filter(|grudge| struck.get(&grudge.outcome).is_some_and(|times| *times > 0));
        happened.extend(struck.map(Grudge::to_string));
        happened
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
    pub async fn play(&self, script: &Script) -> anyhow::Result<()> {
        let url = format!("http://{}/_sink/script", self.servers.gateway());
        let answer = self.http.put(url).json(script).send().await?;
        answer.error_for_status().context("the script")?;
        Ok(())
    }

    /// A browser's subscription: `endpoint` and `keys`.
    pub async fn subscribe(&self, name: &str) -> anyhow::Result<Value> {
        let url = format!("http://{}/_sink/subscriptions", self.servers.gateway());
        let subscriber = json!({"name": name});
        let answer = self.http.post(url).json(&subscriber).send().await?;
        Ok(answer
            .error_for_status()
            .context("a subscription")?
            .json()
            .await?)
    }

    /// What the webhook was posted.
    pub fn posts(&self) -> Vec<Post> {
        self.webhook.as_ref().map(Webhook::posts).unwrap_or_default()
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

/// Of whose addresses a webhook takes the report.
fn taken_by(scenario: Scenario) -> fn(&str) -> bool {
    match scenario {
        Scenario::FeedbackRefused => |user| user.ends_with(['1', '3', '5', '7', '9']),
        _ => |_| true,
    }
}
