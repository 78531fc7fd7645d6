//! A world of its own for one journey: stores, queue, gateway, clock, ports and files, and the
//! whole installation on them, in this process.
//!
//! A journey acts over the HTTP API as a user does, and waits for states. [`World::end`] then
//! goes over the books of every campaign, drains the installation and sees that nothing is left
//! open. A world that is dropped before is cut off as by a power failure, and cleaned up.

mod audience;
pub mod balance;
mod campaign;
mod client;
mod clock;
mod entities;
mod gateway;
mod rest;
pub mod settings;
mod stores;
mod tasks;
mod until;
pub mod view;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::campaign::{AudienceId, CampaignId};
use database::Db;
use noroshi::installation::Installation;
use push_store::PushStore;
use reqwest::Method;
use runtime::config::Endpoint;
use runtime::{Backends, Config, Guard, LEDGER, Process};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub use audience::{AudienceBuilder, users};
pub use balance::{Books, Doubles};
pub use campaign::CampaignBuilder;
pub use client::{Answer, Client, device_of};
pub use clock::WorldClock;
pub use entities::Entities;
pub use gateway::Gateway;
pub use settings::Settings;
pub use stores::Stores;
pub use tasks::Tasks;
pub use until::{DEADLINE, until, until_ok, until_within};
use view::Progress;

use crate::wire;

/// How long an installation may take to start, and to come to its end.
const DRAIN: Duration = Duration::from_secs(30);

/// The API's token in every world.
pub const TOKEN: &str = "a-token-of-the-tests";

/// Everything that one journey owns.
#[derive(Debug)]
pub struct World {
    api: Client,
    clock: WorldClock,
    gateway: Gateway,
    tasks: Tasks,
    backends: Backends,
    installation: Option<Installation>,
    /// The installation's own threads: what goes on in a journey goes on beside it.
    runtime: Option<Runtime>,
    mysql: Option<stores::MySql>,
    wired: Option<stores::Wired>,
    doubles: AtomicUsize,
    _directory: TempDir,
}

impl World {
    /// A world on these stores; `None` where no server is named for them.
    ///
    /// # Panics
    /// If the installation does not start.
    pub async fn start(stores: Stores) -> Option<Self> {
        Self::start_with(stores, |settings| settings).await
    }

    /// A world on these stores, with other settings; `None` where no server is named for them.
    ///
    /// # Panics
    /// If the installation does not start.
    pub async fn start_with(stores: Stores, change: impl FnOnce(Settings) -> Settings) -> Option<Self> {
        let directory = TempDir::new().expect("a temporary directory can be made");
        let settings = Settings::embedded(directory.path(), TOKEN);
        let (settings, mysql) = stores.name_in(change(settings)).await?;
        let wired = stores.wired().await;
        let settings = match &wired {
            Some(wired) => wired.name_in(settings),
            None => settings,
        };
        Some(Self::on(directory, settings, mysql, wired).await)
    }

    /// A world on a database of that server, `mysql://user@host:port`, whose name `change` may use.
    ///
    /// # Panics
    /// If the installation does not start.
    pub async fn on_server(server: &str, change: impl FnOnce(Settings, &str) -> Settings) -> Self {
        let directory = TempDir::new().expect("a temporary directory can be made");
        let settings = Settings::embedded(directory.path(), TOKEN);
        let (settings, mysql) = stores::on_server(server, settings).await;
        let settings = change(settings, &mysql.name);
        Self::on(directory, settings, Some(mysql), None).await
    }

    async fn on(
        directory: TempDir,
        settings: Settings,
        mysql: Option<stores::MySql>,
        wired: Option<stores::Wired>,
    ) -> Self {
        let file = settings.write(directory.path());
        let config = Config::read(Some(&file), []).unwrap_or_else(|error| panic!("{error}"));

        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads can be started");
        let noon = "2026-07-01T12:00:00Z";
        let start = noon.parse().expect("noon is an instant");
        let clock = WorldClock::start(runtime.handle(), start);
        let installation = install(&runtime, Process::new(config, clock.clock())).await;
        let backends = installation.backends.clone();
        let sink = installation.embedded.sink().expect("the sink is embedded");
        let queue = installation.embedded.task_queue().expect("the queue is embedded");
        Self {
            api: Client::new(installation.admin, TOKEN),
            clock,
            gateway: Gateway::new(sink, directory.path().join(LEDGER)),
            tasks: Tasks::connect(backends.task_queue.clone(), queue).await,
            backends,
            installation: Some(installation),
            runtime: Some(runtime),
            mysql,
            wired,
            doubles: AtomicUsize::new(0),
            _directory: directory,
        }
    }

    /// The HTTP API.
    pub fn api(&self) -> &Client {
        &self.api
    }

    /// The clock that the whole installation goes by.
    pub fn clock(&self) -> &WorldClock {
        &self.clock
    }

    /// The gateway to devices.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The task queue.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// The wire to the SQL server, where there is one.
    pub fn sql_wire(&self) -> Option<&wire::mysql::Proxy> {
        self.mysql.as_ref().map(|mysql| &mysql.wire)
    }

    /// The wire to Datastore, where there is one.
    pub fn datastore_wire(&self) -> Option<&wire::grpc::Proxy> {
        self.wired.as_ref().map(|wired| &wired.wire)
    }

    /// What the installation lets begin.
    pub fn guard(&self) -> &Guard {
        &self.backends.guard
    }

    /// SQL itself.
    pub fn db(&self) -> &Db {
        &self.backends.db
    }

    /// The database of files itself.
    pub fn files(&self) -> &Db {
        &self.backends.files
    }

    /// Datastore itself.
    pub fn push_store(&self) -> &PushStore {
        &self.backends.push_store
    }

    /// Datastore past the program, for what the program never does.
    pub async fn entities(&self) -> Entities {
        let settings = &self.backends.process.config.datastore;
        let embedded = self.installation.as_ref();
        let embedded = embedded.and_then(|installation| installation.embedded.datastore());
        let endpoint = match (embedded, &settings.endpoint) {
            (Some(address), _) => format!("http://{address}"),
            (None, Endpoint::At(url)) => url.as_str().to_owned(),
            (None, Endpoint::Embedded) => panic!("an embedded Datastore has an address"),
        };
        Entities::connect(&endpoint, settings).await
    }

    /// What the stores and the gateway say.
    pub fn books(&self) -> Books {
        Books {
            db: self.backends.db.clone(),
            push_store: self.backends.push_store.clone(),
            ledger: self.gateway.ledger().clone(),
        }
    }

    /// An audience to be described and imported.
    pub fn audience(&self) -> AudienceBuilder<'_> {
        AudienceBuilder::new(self)
    }

    /// An audience of these users, each of whom has one device.
    pub async fn audience_with_devices(&self, users: &[String]) -> AudienceId {
        self.api.register(users).await;
        self.audience().of(users).import().await
    }

    /// A campaign to be described and started.
    pub fn campaign(&self, audience: AudienceId) -> CampaignBuilder<'_> {
        CampaignBuilder::new(self, audience)
    }

    /// Stops everything.
    pub async fn stop_all(&self) {
        self.api.tell(Method::PUT, "/v1/stop").await;
    }

    /// Lets everything go on.
    pub async fn go_on(&self) {
        self.api.tell(Method::DELETE, "/v1/stop").await;
    }

    /// Notes that a user wants no pushes.
    pub async fn opt_out(&self, user: &str) {
        self.api
            .tell(Method::PUT, &format!("/v1/users/{user}/opt-out"))
            .await;
    }

    /// Asks for a user's erasure.
    pub async fn erase(&self, user: &str) {
        self.api.tell(Method::DELETE, &format!("/v1/users/{user}")).await;
    }

    /// Waits until a campaign's progress is as `is_so` wants it.
    pub async fn until(
        &self,
        campaign: CampaignId,
        what: &str,
        is_so: impl Fn(&Progress) -> bool,
    ) -> Progress {
        until_ok(DEADLINE, what, async || match self.api.progress(campaign).await {
            progress if is_so(&progress) => Ok(progress),
            progress => Err(format!("{progress:?}")),
        })
        .await
    }

    /// Waits until a campaign is finished.
    ///
    /// # Panics
    /// With what it lacks, if it is not in time.
    pub async fn finished(&self, campaign: CampaignId) -> Progress {
        self.until(campaign, "the campaign is finished", |progress| {
            progress.state == "finished"
        })
        .await
    }

    /// Lets the gateway accept so many messages more than one for each address, because the
    /// journey cuts something off between hand-over and settling.
    pub fn allow_doubles(&self, doubles: usize) {
        self.doubles.store(doubles, Ordering::SeqCst);
    }

    fn doubles(&self) -> Doubles {
        match self.doubles.load(Ordering::SeqCst) {
            0 => Doubles::None,
            doubles => Doubles::AtMost(doubles),
        }
    }

    /// Ends the journey: goes over the books of every campaign, drains the installation, and sees
    /// that nothing is left open.
    ///
    /// # Panics
    /// If anything is not as it must be.
    pub async fn end(mut self) {
        let doubles = self.doubles();
        for campaign in rest::list_campaigns(self.db()).await {
            self.books().settle(campaign, doubles).await;
        }
        self.tasks.are_answered().await;
        if let Some(installation) = self.installation.take() {
            self.backends.process.stop.request();
            self.run(installation.drained()).await;
        }
        if let Some(mysql) = &self.mysql {
            rest::expect_no_transaction(&mysql.direct).await;
        }
    }

    /// Runs something on the installation's threads, to its end.
    async fn run<F>(&self, work: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let runtime = self
            .runtime
            .as_ref()
            .expect("it is taken when the world is dropped");
        let ended = runtime.spawn(work);
        until_ended(ended).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Everything that runs is cut off where it stands. A runtime that is dropped waits for
        // its threads instead, which is not possible in the middle of another.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn install(runtime: &Runtime, process: Process) -> Installation {
    let started = runtime.spawn(Installation::start(process));
    until_ended(started)
        .await
        .unwrap_or_else(|error| panic!("the installation did not start: {error:?}"))
}

/// What a task gives when it has ended.
///
/// # Panics
/// With it, or if it takes too long.
async fn until_ended<T>(task: tokio::task::JoinHandle<T>) -> T {
    match tokio::time::timeout(DRAIN, task).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(panicked)) => std::panic::resume_unwind(panicked.into_panic()),
        Err(_) => panic!("the installation neither started nor ended within {DRAIN:?}"),
    }
}
