//! The real binary on a data directory that outlives it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use campaign::{CampaignId, Reason, Standing};
use emulator::datastore;
use emulator::sink::ledger::Reader;
use journeys::binaries::binary;
use journeys::processes::Process;
use journeys::world::settings::{CHUNK, Settings};
use journeys::world::{Client, TOKEN, until_within};
use push_store::PushStore;
use runtime::{Clock, LEDGER};
use tempfile::TempDir;

use super::USERS;
use super::stage::Stage;

/// How long a process may take to start, and a stage to show new progress: several leases.
const PATIENCE: Duration = Duration::from_secs(60);

/// An installation, whichever process runs it.
pub(crate) struct Installation {
    binary: PathBuf,
    settings: PathBuf,
    process: Option<Process>,
    api: Option<Client>,
    starts: u32,
    /// Messages in the gateway's ledger when the last process was started.
    accepted_before: usize,
    directory: TempDir,
}

impl Installation {
    /// Its first process. Leases are short, so that the next one need not wait long, and longer than
    /// a busy machine takes for an answer: what a gateway accepted too late is sent once more.
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings::embedded(directory.path(), TOKEN)
            .set("provider.fcm.timeout", "5s")
            .set("provider.apns.timeout", "5s")
            .set("provider.web_push.timeout", "5s")
            .set("sender.settle_margin", "500ms")
            .set("sender.budget", "7s")
            .set("sender.lease", "10s")
            .set("sender.skew", "200ms")
            .set("sender.concurrency", 8)
            .set("queue.deadline", "15s")
            .set("import.lease", "1s")
            .set("import.partition_bytes", 262_144)
            .set("fan_out.in_flight", 1)
            .set("fan_out.lease", "500ms")
            .set("dispatch.pick_up", "5s")
            .set("dispatch.pick_up_max", "60s");
        let mut installation = Self {
            binary: binary("noroshi"),
            settings: settings.write(directory.path()),
            process: None,
            api: None,
            starts: 0,
            accepted_before: 0,
            directory,
        };
        installation.start_process().await;
        installation
    }

    /// The HTTP API of the process that runs.
    pub(crate) fn api(&self) -> &Client {
        self.api.as_ref().unwrap()
    }

    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        self.directory.path()
    }

    /// What the process that runs has written to its log.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log_file()).unwrap()).into_owned()
    }

    /// Asks again and again until there is an answer.
    pub(crate) async fn until<T>(&self, what: &str, ask: impl AsyncFn(&Self) -> Option<T>) -> T {
        self.until_within(PATIENCE, what, ask).await
    }

    /// Asks again and again until there is an answer.
    pub(crate) async fn until_within<T>(
        &self,
        within: Duration,
        what: &str,
        ask: impl AsyncFn(&Self) -> Option<T>,
    ) -> T {
        until_within(within, what, async || ask(self).await).await
    }

    /// Kills the process (SIGKILL).
    pub(crate) fn kill(&mut self) {
        self.process.take().unwrap().kill();
    }

    /// Ends the process by a drain.
    pub(crate) async fn terminate(&mut self) {
        let status = self.process.take().unwrap().terminate(PATIENCE).await;
        assert!(status.success(), "{status}");
    }

    /// Starts the next process, and says how long it took from its start to the first progress
    /// beyond what the stores held then.
    pub(crate) async fn recover(&mut self, stage: Stage) -> Duration {
        let clock = Clock::system();
        let started = clock.monotonic();
        self.start_process().await;
        let found = stage.progress(self).await;
        self.until(stage.name(), async |noroshi| {
            (stage.progress(noroshi).await > found).then_some(())
        })
        .await;
        clock.monotonic().since(started)
    }

    /// Messages that the gateway accepted from the process that was just killed, of which
    /// Datastore does not hold the push as sent: each may be sent once more.
    pub(crate) async fn handed_over_unsettled(&self, campaign: Option<CampaignId>) -> usize {
        let Some(campaign) = campaign else { return 0 };
        let copy = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(self.data()).unwrap() {
            let file = file.unwrap();
            if file.file_name().to_string_lossy().starts_with("datastore.db") {
                std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
            }
        }
        let (server, store) = open_datastore(copy.path()).await;
        let mut open = std::collections::HashSet::new();
        for no in 0..u32::try_from(USERS / CHUNK).unwrap() {
            let pushes = store
                .list_pushes(campaign::ChunkId::of(campaign, no))
                .await
                .unwrap();
            let sent = Standing::Settled(Reason::Accepted);
            let unsettled = pushes.iter().filter(|push| push.standing != sent);
            open.extend(unsettled.map(|push| push.id.to_string()));
        }
        server.stop().await;
        let accepted = Reader::open(self.data().join(LEDGER)).unwrap();
        let accepted = accepted
            .skip(self.accepted_before)
            .map(|entry| entry.unwrap().push_id);
        accepted.filter(|push| open.contains(push)).count()
    }

    /// Messages that the gateway has accepted.
    pub(crate) fn ledger_length(&self) -> usize {
        // There is none before the first process has made it.
        Reader::open(self.data().join(LEDGER)).map_or(0, Iterator::count)
    }

    fn log_file(&self) -> PathBuf {
        self.data().join(format!("noroshi-{}.log", self.starts))
    }

    async fn start_process(&mut self) {
        self.starts += 1;
        self.accepted_before = self.ledger_length();
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(&self.settings).arg("up");
        let mut process = Process::start(command, self.log_file());
        let address: SocketAddr = process
            .wait_for_line(PATIENCE, |line| {
                let (_, rest) = line.split_once("The API listens on http://")?;
                rest.split('/').next()?.parse().ok()
            })
            .await;
        self.process = Some(process);
        self.api = Some(Client::new(address, TOKEN));
    }
}

/// The Datastore of files that no process has open.
pub(crate) async fn open_datastore(data: &Path) -> (datastore::Server, PushStore) {
    let config = datastore::Config {
        storage: datastore::Storage::File(data.join("datastore.db")),
        ..datastore::Config::default()
    };
    let server = datastore::Server::start(config, ([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let settings = push_store::Settings {
        endpoint: format!("http://{}", server.address()),
        project: "noroshi".to_owned(),
        database: String::new(),
        namespace: String::new(),
        deadline: PATIENCE,
    };
    let store = PushStore::connect(settings).await.unwrap();
    (server, store)
}
