//! Stores that outlive the fan-out processes on them, and a campaign to be expanded.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use campaign::{AudienceId, CampaignId, Lane, Transition};
use database::campaign::{self as campaigns, CouponFor, Kind, Transitioned};
use database::{Change, audience as audiences, fan_out_stripe, migrate, upload_part};
use emulator::{datastore, sink, tasks};
use journeys::wire::grpc::Proxy;
use journeys::world::{Settings, TOKEN};
use runtime::{Backends, Clock, Config, Embedded};
use tempfile::TempDir;

use super::plan::Plan;
use super::worker::Worker;
use crate::engine::Sql;

/// How long anything may take; the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How long a stripe waits for a process that died: so short that what the dead held is soon
/// somebody else's, as often as they die here.
const LEASE: &str = "1s";

const PROJECT: &str = "fan-out";

/// The stores, and the campaign.
#[derive(Debug)]
pub struct Stage {
    pub(super) plan: Plan,
    pub(super) campaign: CampaignId,
    /// What the processes work with, past their wires.
    pub backends: Backends,
    embedded: Embedded,
    servers: Servers,
    sql: Sql,
    directory: TempDir,
}

#[derive(Debug)]
struct Servers {
    datastore: datastore::Server,
    tasks: tasks::Server,
    sink: sink::Server,
}

impl Stage {
    /// The plan's campaign, started and not expanded, on empty stores.
    pub async fn set(plan: &Plan) -> anyhow::Result<Self> {
        let directory = TempDir::with_prefix("noroshi-fan-out-")?;
        let sql = Sql::start(&plan.engine, directory.path()).await?;
        let db = database::Db::connect(sql.settings()).await?;
        migrate::run(&db).await?;
        db.close().await;
        let servers = Servers::start(&directory).await?;
        let datastore = servers.datastore.address();
        let file = settings(plan, &directory, "stage", &sql, &servers, datastore)?;
        let process = runtime::Process::new(Config::read(Some(&file), [])?, Clock::system());
        let (backends, embedded) = Backends::connect(&process).await?;
        let campaign = start_campaign(&backends, plan).await?;
        Ok(Self {
            plan: plan.clone(),
            campaign,
            backends,
            embedded,
            servers,
            sql,
            directory,
        })
    }

    /// A process that does not run yet.
    pub async fn worker(&self, name: &str) -> anyhow::Result<Worker> {
        let wire = Proxy::start(self.servers.datastore.address(), 0).await;
        let file = settings(
            &self.plan,
            &self.directory,
            name,
            &self.sql,
            &self.servers,
            wire.address(),
        )?;
        Ok(Worker::new(self.plan.program.clone(), file, wire))
    }

    /// Whether every chunk is expanded, and no process has a stripe.
    pub async fn is_done(&self) -> anyhow::Result<bool> {
        let open = fan_out_stripe::count_open(&self.backends.db, self.campaign).await?;
        Ok(open == 0 && self.expanded().await? == self.plan.chunks())
    }

    /// Chunks that are expanded.
    pub async fn expanded(&self) -> anyhow::Result<u32> {
        let mut missing = 0;
        for numbers in self.numbers() {
            let store = &self.backends.push_store;
            missing += store.list_unexpanded(self.campaign, &numbers).await?.len();
        }
        Ok(self.plan.chunks() - u32::try_from(missing)?)
    }

    /// Stops the stores. Where the processes' logs are is said only if they are to be `kept`.
    pub async fn clear(self, kept: bool) -> Option<PathBuf> {
        self.backends.db.close().await;
        drop(self.backends);
        self.embedded.stop().await;
        self.sql.stop().await;
        self.servers.stop().await;
        kept.then(|| self.directory.keep())
    }

    /// The numbers of all chunks, as many at a time as one Lookup takes.
    pub(super) fn numbers(&self) -> impl Iterator<Item = Vec<u32>> + use<> {
        let chunks = self.plan.chunks();
        let starts = (0..chunks).step_by(push_store::MAX_LOOKUP_KEYS);
        starts.map(move |start| (start..chunks).take(push_store::MAX_LOOKUP_KEYS).collect())
    }
}

impl Servers {
    async fn start(directory: &TempDir) -> anyhow::Result<Self> {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let queue = tasks::Config::new(tasks::Storage::Memory);
        let ledger = sink::Config::new(directory.path().join("ledger"));
        Ok(Self {
            datastore: datastore::Server::start(datastore::Config::default(), loopback).await?,
            tasks: tasks::Server::start(queue, loopback).await?,
            sink: sink::Server::start(ledger, loopback).await?,
        })
    }

    async fn stop(self) {
        self.tasks.stop().await;
        self.sink.stop().await;
        self.datastore.stop().await;
    }
}

/// The id of the user of that number.
pub(super) fn user(no: u32) -> String {
    format!("user-{no:07}")
}

fn settings(
    plan: &Plan,
    directory: &TempDir,
    name: &str,
    sql: &Sql,
    servers: &Servers,
    datastore: SocketAddr,
) -> anyhow::Result<PathBuf> {
    let own = directory.path().join(name);
    std::fs::create_dir(&own)?;
    let url = own.join("database-url");
    std::fs::write(&url, &sql.settings().url)?;
    let settings = Settings::defaults(&own, TOKEN)
        .set("database.url", format!("file:{}", url.display()))
        .set("datastore.endpoint", format!("http://{datastore}"))
        .set("datastore.project", PROJECT)
        .set("queue.endpoint", format!("http://{}", servers.tasks.address()))
        .set("queue.project", PROJECT)
        .set("queue.location", "asia-northeast1")
        .set("queue.handler", "http://127.0.0.1:9/tasks/deliver")
        .set("queue.service_account", "queue@noroshi.invalid")
        .set(
            "provider.fcm.endpoint",
            format!("http://{}", servers.sink.address()),
        )
        .set("provider.fcm.project", PROJECT)
        .set("fan_out.mutations", i64::from(plan.chunk + 1))
        .set("fan_out.in_flight", i64::from(plan.in_flight))
        .set("fan_out.lease", LEASE);
    Ok(settings.write(&own))
}

async fn start_campaign(backends: &Backends, plan: &Plan) -> anyhow::Result<CampaignId> {
    let audience = import(backends, plan.users).await?;
    let found = audiences::find(&backends.db, audience).await?;
    let progress = found.context("the audience is not there")?.progress;
    ensure!(
        (progress.size, progress.chunk_count) == (u64::from(plan.users), plan.chunks()),
        "{} users in {} chunks were imported",
        progress.size,
        progress.chunk_count
    );
    let (id, now) = (CampaignId::allocate(), Clock::system().now());
    let body = campaigns::Plan {
        name: "to everybody".to_owned(),
        lane: Lane::for_audience(progress.size),
        audience_id: Some(audience),
        coupon_id: None,
        coupon_for: CouponFor::All,
        message: "{}".to_owned(),
        schedule: r#"{"at":"now"}"#.to_owned(),
        starts_at: None,
        expires_at: None,
        max_per_second: None,
        canary: None,
    };
    let mut tx = backends.db.begin().await?;
    campaigns::insert(&mut tx, id, Kind::Broadcast, &body, now).await?;
    let sized = campaigns::set_audience_size(&mut tx, id, progress.size, progress.chunk_count).await?;
    ensure!(sized == Change::Applied, "a new campaign is no draft");
    let started = campaigns::transition(&mut tx, id, Transition::Start, None, now).await?;
    ensure!(
        matches!(started, Transitioned::To(_)),
        "it did not start: {started:?}"
    );
    tx.commit().await.repeatable()?;
    Ok(id)
}

async fn import(backends: &Backends, users: u32) -> anyhow::Result<AudienceId> {
    let rows = (0..users).map(|no| user(no) + "\n").collect::<String>();
    let file = format!("user_id\n{rows}");
    let (audience, now) = (AudienceId::allocate(), Clock::system().now());
    let mut tx = backends.db.begin().await?;
    audiences::insert(&mut tx, audience, "everybody", "{}", now).await?;
    for (no, part) in (0..).zip(file.as_bytes().chunks(upload_part::MAX_PART_BYTES)) {
        // To the import a part's digest says nothing.
        let _ = upload_part::insert(&mut tx, audience, no, &[0; 32], part).await?;
        let _ = audiences::add_uploaded(&mut tx, audience, part.len() as u64, now).await?;
    }
    let completed = audiences::complete_upload(&mut tx, audience, now).await?;
    ensure!(completed == Change::Applied, "the upload was over already");
    tx.commit().await.repeatable()?;
    jobs::import::run(backends).await?;
    Ok(audience)
}
