//! Stores that outlive the fan-out processes on them, and those processes.
//!
//! Each process has a wire of its own to Datastore, which counts what it asks for.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use campaign::{AudienceId, CampaignId, ChunkId, Lane, PushId, Transition};
use database::campaign::{self as campaigns, CouponFor, Kind, Plan, Transitioned};
use database::fan_out_stripe::CHUNKS;
use database::{
    Change, Tx, audience as audiences, chunk_tally, create_database, drop_database, fan_out_stripe, migrate,
    upload_part,
};
use emulator::{datastore, sink, tasks};
use gcloud_sdk::google::datastore::v1::LookupRequest;
use journeys::binaries::binary;
use journeys::processes::Process;
use journeys::wire::grpc::{Call, Proxy, Step, commits};
use journeys::wire::{Fault, Injected, Rule};
use journeys::world::{Settings, TOKEN, until_within};
use runtime::{Backends, Clock, Config};
use tempfile::TempDir;
use uuid::Uuid;

/// Recipients of a chunk: few, so that there are many chunks.
const CHUNK: u32 = 10;

/// How long anything may take; the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Stores, and a campaign to be expanded.
pub(crate) struct Stage {
    program: PathBuf,
    datastore: datastore::Server,
    tasks: tasks::Server,
    sink: sink::Server,
    sql: database::Settings,
    pub(crate) backends: Backends,
    pub(crate) chunks: u32,
    pub(crate) campaign: CampaignId,
    directory: TempDir,
}

/// A fan-out process, in all its lives.
pub(crate) struct Worker {
    program: PathBuf,
    settings: PathBuf,
    wire: Proxy,
    expansions: Injected,
    looked_up: Arc<AtomicU64>,
    _lookups: Injected,
    pub(crate) process: Option<Process>,
}

impl Stage {
    /// A campaign of so many whole stripes, on a database of that server or in a file.
    pub(crate) async fn set(server: Option<String>, stripes: u32) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path();
        let sql = database::Settings::new(match server {
            Some(server) => format!("{server}/noroshi_fan_out_{}", Uuid::new_v4().simple()),
            None => format!("sqlite:{}", path.join("noroshi.db").display()),
        });
        create_database(&sql).await.unwrap();
        let loopback = ([127, 0, 0, 1], 0).into();
        let queue = tasks::Config::new(tasks::Storage::Memory);
        let datastore = datastore::Server::start(datastore::Config::default(), loopback);
        let (datastore, tasks, sink) = (
            datastore.await.unwrap(),
            tasks::Server::start(queue, loopback).await.unwrap(),
            sink::Server::start(sink::Config::new(path.join("ledger")), loopback)
                .await
                .unwrap(),
        );
        let db = database::Db::connect(&sql).await.unwrap();
        migrate::run(&db).await.unwrap();
        db.close().await;
        let servers = (&datastore, &tasks, &sink);
        let file = settings(&directory, "stage", &sql, servers, datastore.address());
        let config = Config::read(Some(&file), []).unwrap_or_else(|error| panic!("{error}"));
        let process = runtime::Process::new(config, Clock::system());
        let (backends, _) = Backends::connect(&process).await.unwrap();
        let chunks = stripes * CHUNKS;
        let campaign = start_campaign(&backends, chunks * CHUNK).await;
        Self {
            program: binary("noroshi-fan-out"),
            datastore,
            tasks,
            sink,
            sql,
            backends,
            chunks,
            campaign,
            directory,
        }
    }

    /// A process that does not run yet.
    pub(crate) async fn worker(&self, name: &str) -> Worker {
        let wire = Proxy::start(self.datastore.address(), 0).await;
        let servers = (&self.datastore, &self.tasks, &self.sink);
        let settings = settings(&self.directory, name, &self.sql, servers, wire.address());
        let count = Rule::new(Fault::Slow(Duration::ZERO), commits(Step::Expand));
        let looked_up = Arc::new(AtomicU64::new(0));
        let lookups = Rule::new(Fault::Slow(Duration::ZERO), {
            let looked_up = looked_up.clone();
            move |call: &Call| {
                let keys = (call.method() == "Lookup").then(|| call.message::<LookupRequest>());
                let keys = keys.flatten().map_or(0, |lookup| lookup.keys.len());
                looked_up.fetch_add(keys as u64, Ordering::Relaxed);
                false
            }
        });
        Worker {
            program: self.program.clone(),
            settings,
            expansions: wire.inject(count.always()),
            looked_up,
            _lookups: wire.inject(lookups.always()),
            wire,
            process: None,
        }
    }

    /// Stripes that are not done.
    pub(crate) async fn open_stripes(&self) -> u64 {
        let db = &self.backends.db;
        fan_out_stripe::count_open(db, self.campaign).await.unwrap()
    }

    /// Chunks that are expanded.
    pub(crate) async fn expanded(&self) -> u32 {
        let mut missing = 0;
        for chunks in self.numbers() {
            let store = &self.backends.push_store;
            missing += store.list_unexpanded(self.campaign, &chunks).await.unwrap().len();
        }
        self.chunks - u32::try_from(missing).unwrap()
    }

    /// Waits until so many chunks are expanded.
    pub(crate) async fn until_expanded(&self, chunks: u32) {
        until_within(PATIENCE, "chunks are expanded", async || {
            (self.expanded().await >= chunks).then_some(())
        })
        .await;
    }

    /// Lets a process expand what is left, and one after it what a dead one had in hand.
    pub(crate) async fn expand_the_rest(&self, worker: &mut Worker) {
        until_within(PATIENCE, "every stripe is done", async || {
            worker.start();
            worker.end().await;
            let is_done = self.open_stripes().await == 0 && self.expanded().await == self.chunks;
            is_done.then_some(())
        })
        .await;
    }

    /// Every chunk was expanded once: markers, pushes and counts agree with the audience.
    pub(crate) async fn is_expanded_once(&self) {
        let store = &self.backends.push_store;
        let mut sizes = 0;
        let mut pushes = Vec::new();
        for numbers in self.numbers() {
            let chunks = store.list_chunks(self.campaign, &numbers).await.unwrap();
            assert_eq!(chunks.len(), numbers.len(), "every chunk has a marker");
            sizes += chunks.iter().map(|chunk| u32::from(chunk.size)).sum::<u32>();
            for no in numbers {
                let found = store.list_pushes(ChunkId::of(self.campaign, no)).await.unwrap();
                pushes.extend(found.into_iter().map(|push| push.id));
            }
        }
        let users = self.chunks * CHUNK;
        pushes.sort_unstable();
        let mut expected = (0..users).map(|no| PushId::of(self.campaign, &user(no)));
        let mut expected = expected.by_ref().collect::<Vec<_>>();
        expected.sort_unstable();
        assert!(pushes == expected, "{} pushes of {users}", pushes.len());
        assert_eq!(sizes, users);
        let total = chunk_tally::total(&self.backends.db, self.campaign);
        // What a killed process had expanded and not counted is for reconcile to count.
        assert!(total.await.unwrap().expanded <= u64::from(users));
    }

    /// Stops the stores.
    pub(crate) async fn clear(self) {
        self.backends.db.close().await;
        drop_database(&self.sql).await.unwrap();
        self.tasks.stop().await;
        self.sink.stop().await;
        self.datastore.stop().await;
    }

    fn numbers(&self) -> impl Iterator<Item = Vec<u32>> {
        let starts = (0..self.chunks).step_by(1_000);
        starts.map(|start| (start..self.chunks).take(1_000).collect())
    }
}

impl Worker {
    /// Starts it, or its next life.
    pub(crate) fn start(&mut self) {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&self.settings);
        let log = self.settings.with_extension("log");
        self.process = Some(Process::start(command, log));
    }

    /// Waits until it finds nothing more to do.
    pub(crate) async fn end(&mut self) {
        let mut process = self.process.take().unwrap();
        let status = process.wait(PATIENCE).await;
        assert!(status.success(), "{status}");
    }

    /// Commits of chunks that it has sent.
    pub(crate) fn expansions(&self) -> u64 {
        self.expansions.count()
    }

    /// Keys that it has looked up.
    pub(crate) fn looked_up(&self) -> u64 {
        self.looked_up.load(Ordering::Relaxed)
    }

    /// Waits until it has sent a commit more than `before`; `None` if it ends before.
    pub(crate) async fn until_first_commit(&mut self, before: u64) -> Option<()> {
        until_within(PATIENCE, "a first commit", async || {
            let has_sent = self.expansions() > before;
            let has_ended = self.process.as_mut().is_none_or(Process::has_ended);
            (has_sent || has_ended).then_some(has_sent.then_some(()))
        })
        .await
    }

    /// Kills it (SIGKILL), and says whether it was at work.
    pub(crate) fn kill(&mut self) -> bool {
        let Some(mut process) = self.process.take() else {
            return false;
        };
        if process.has_ended() {
            return false;
        }
        process.kill();
        self.wire.cut();
        true
    }
}

fn user(no: u32) -> String {
    format!("user-{no:06}")
}

fn settings(
    directory: &TempDir,
    name: &str,
    sql: &database::Settings,
    (_, tasks, sink): (&datastore::Server, &tasks::Server, &sink::Server),
    datastore: std::net::SocketAddr,
) -> PathBuf {
    let own = directory.path().join(name);
    std::fs::create_dir(&own).unwrap();
    let url = own.join("database-url");
    std::fs::write(&url, &sql.url).unwrap();
    Settings::embedded(&own, TOKEN)
        .set("database.url", format!("file:{}", url.display()))
        .set("datastore.endpoint", format!("http://{datastore}"))
        .set("datastore.project", "fan-out")
        .set("queue.endpoint", format!("http://{}", tasks.address()))
        .set("queue.project", "fan-out")
        .set("queue.location", "asia-northeast1")
        .set("queue.handler", "http://127.0.0.1:9/tasks/deliver")
        .set("queue.service_account", "queue@noroshi.invalid")
        .set("provider.fcm.endpoint", format!("http://{}", sink.address()))
        .set("provider.fcm.project", "fan-out")
        .set("fan_out.mutations", i64::from(CHUNK + 1))
        .set("fan_out.in_flight", 2)
        .set("fan_out.lease", "500ms")
        .write(&own)
}

async fn start_campaign(backends: &Backends, users: u32) -> CampaignId {
    let audience = import(backends, users).await;
    let found = audiences::find(&backends.db, audience).await.unwrap().unwrap();
    let (id, now) = (CampaignId::allocate(), Clock::system().now());
    let plan = Plan {
        name: "to everybody".to_owned(),
        lane: Lane::Fast,
        audience_id: Some(audience),
        coupon_id: None,
        coupon_for: CouponFor::All,
        message: "{}".to_owned(),
        schedule: r#"{"at":"now"}"#.to_owned(),
        starts_at: None,
        expires_at: None,
    };
    let started = write(backends, async |tx| {
        campaigns::insert(tx, id, Kind::Broadcast, &plan, now).await?;
        let progress = &found.progress;
        let sized = campaigns::set_audience_size(tx, id, progress.size, progress.chunk_count).await?;
        assert_eq!(sized, Change::Applied);
        campaigns::transition(tx, id, Transition::Start, None, now).await
    });
    assert!(matches!(started.await, Transitioned::To(_)));
    id
}

async fn import(backends: &Backends, users: u32) -> AudienceId {
    let rows = (0..users).map(|no| user(no) + "\n").collect::<String>();
    let file = format!("user_id\n{rows}");
    let (audience, now) = (AudienceId::allocate(), Clock::system().now());
    let uploaded = write(backends, async |tx| {
        audiences::insert(tx, audience, "everybody", "{}", now).await?;
        for (no, part) in (0..).zip(file.as_bytes().chunks(upload_part::MAX_PART_BYTES)) {
            let _ = upload_part::insert(tx, audience, no, &[0; 32], part).await?;
            let _ = audiences::add_uploaded(tx, audience, part.len() as u64, now).await?;
        }
        audiences::complete_upload(tx, audience, now).await
    });
    assert_eq!(uploaded.await, Change::Applied);
    jobs::import::run(backends).await.unwrap();
    audience
}

async fn write<T>(backends: &Backends, write: impl AsyncFnOnce(&mut Tx) -> Result<T, database::Error>) -> T {
    let mut tx = backends.db.begin().await.unwrap();
    let written = write(&mut tx).await.unwrap();
    tx.commit().await.repeatable().unwrap();
    written
}
