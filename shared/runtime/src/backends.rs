//! The composition root: everything that a service or a pass works with, connected.
//!
//! One client serves an embedded part and a real one; what changes is its endpoint. A part that
//! cannot be reached at the start ends the process with the exit code of its kind, so that a
//! scheduler tries again and a person is told what to change.

use std::sync::Arc;
use std::time::Duration;

use database::Db;
use database::migrate::{self, State};
use pacing::{Limit, SharedLimit};
use provider::Gateways;
use push_store::PushStore;
use task_queue::{Expected, Oidc, TaskQueue};

use crate::config::{Config, DatabaseUrl};
use crate::embedded::{self, Embedded, StartError};
use crate::exit::{ExitCode, Failure};
use crate::gateways;
use crate::guard::Guard;
use crate::guard::watch::Watcher;
use crate::job::Nudge;
use crate::process::Process;

/// The longest a call to Datastore or to the queue may take.
const CALL_WITHIN: Duration = Duration::from_secs(20);

/// In whose name the embedded queue signs.
const EMBEDDED_ACCOUNT: &str = "queue@noroshi.invalid";

/// The stores, the queue and the gateway, and the process they are used in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Backends {
    /// Configuration, clock, tasks, shutdown, metrics.
    pub process: Process,
    /// What people decided, in SQL.
    pub db: Db,
    /// The bytes of files, in SQL: uploads on their way in, reports on their way out.
    pub files: Db,
    /// Chunks and pushes, in Datastore.
    pub push_store: PushStore,
    /// The way from dispatch to the sender.
    pub task_queue: TaskQueue,
    /// What the queue proves to the sender.
    pub queue_identity: Expected,
    /// The gateways to devices.
    pub gateways: Arc<Gateways>,
    /// How many chunks this process expands at once, as far as that is found out.
    pub expansion_limit: SharedLimit,
    /// What share of its work this process may begin.
    pub guard: Guard,
    /// Wake the loops of this process; nobody hears them in a process without loops.
    pub nudges: Nudges,
}

/// One nudge for each pass that others give work to.
#[derive(Clone, Debug, Default)]
pub struct Nudges {
    /// An upload is complete.
    pub import: Nudge,
    /// A campaign was started.
    pub fan_out: Nudge,
    /// Chunks were expanded, or a campaign was resumed.
    pub dispatch: LaneNudges,
    /// A chunk is done, or a campaign was cancelled.
    pub reconcile: Nudge,
    /// A user is to be erased.
    pub erase: Nudge,
    /// A report is to be made.
    pub report: Nudge,
}

/// A nudge for the dispatch of each lane.
#[derive(Clone, Debug, Default)]
pub struct LaneNudges {
    /// Of small and urgent campaigns.
    pub fast: Nudge,
    /// Of large ones.
    pub bulk: Nudge,
}

impl LaneNudges {
    /// Wakes both: whoever does not know the lane.
    pub fn nudge(&self) {
        self.fast.nudge();
        self.bulk.nudge();
    }
}

/// Why the backends could not be connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// An embedded part did not start.
    #[error(transparent)]
    Embedded(#[from] StartError),
    /// SQL.
    #[error("[database] url")]
    Sql(#[from] database::Error),
    /// The database of files.
    #[error("[files] database")]
    Files(#[source] database::Error),
    /// The database lacks migrations.
    #[error("{setting}: the database lacks {missing} migrations: run `noroshi migrate`")]
    NotMigrated {
        /// What names the database.
        setting: &'static str,
        /// How many.
        missing: usize,
    },
    /// Datastore.
    #[error("[datastore] endpoint")]
    Datastore(#[from] push_store::Error),
    /// The task queue.
    #[error("[queue] endpoint")]
    Queue(#[from] task_queue::Error),
    /// A gateway's settings.
    #[error(transparent)]
    Gateways(#[from] gateways::ConfigError),
}

impl Failure for ConnectError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Sql(database::Error::Unreachable(_))
            | Self::Files(database::Error::Unreachable(_))
            | Self::Datastore(_)
            | Self::Queue(_) => ExitCode::Unavailable,
            Self::Sql(database::Error::Busy(_)) | Self::Files(database::Error::Busy(_)) => ExitCode::TryAgain,
            Self::Embedded(_)
            | Self::Sql(_)
            | Self::Files(_)
            | Self::NotMigrated { .. }
            | Self::Gateways(_) => ExitCode::Usage,
        }
    }
}

impl Backends {
    /// Starts what is embedded and connects to everything.
    ///
    /// The embedded parts are to be stopped last, once the process's tasks have ended.
    pub async fn connect(process: &Process) -> Result<(Self, Embedded), ConnectError> {
        let config = &process.config;
        let (embedded, endpoints) = Embedded::start(config, &process.clock).await?;
        let db = open_database(config).await?;
        let files = open_files(config, &db).await?;
        let push_store = PushStore::connect(datastore_settings(config, endpoints.datastore)).await?;
        let queue = queue_settings(config, endpoints.queue.clone());
        let queue_identity = identity(&queue);
        let task_queue = TaskQueue::connect(queue).await?;
        if is_stand_in(&endpoints.queue) {
            task_queue.create_queues().await?;
        }
        let gateways = Arc::new(gateways::connect(
            config,
            endpoints.sink.as_deref(),
            &process.clock,
        )?);
        let expansion_limit = SharedLimit::new(Limit::new(1..=config.fan_out.in_flight.get()));
        let process = process.clone();
        let nudges = Nudges::default();
        let backends = Self {
            process,
            db,
            files,
            push_store,
            task_queue,
            queue_identity,
            gateways,
            expansion_limit,
            guard: Guard::default(),
            nudges,
        };
        Ok((backends, embedded))
    }

    /// Watches the load from now on, if the configuration says so, and until the process is asked
    /// to stop. The first sample is taken when this returns.
    pub async fn watch_load(&self) -> Result<(), ConnectError> {
        let Process {
            config,
            clock,
            tasks,
            stop,
            ..
        } = &self.process;
        if !config.guard.enabled {
            return Ok(());
        }
        let primary = match &self.db {
            Db::MySql(_) => connect(config, 1).await?,
            Db::Sqlite(_) => self.db.clone(),
        };
        let mut watcher = Watcher::new(
            self.guard.clone(),
            clock.clone(),
            config.guard.clone(),
            primary,
            self.push_store.clone(),
        );
        watcher.sample().await;
        tasks.spawn(watcher.run(stop.clone()));
        Ok(())
    }
}

/// Connects to SQL alone, as the configuration says.
pub async fn connect_database(config: &Config) -> Result<Db, ConnectError> {
    connect(config, config.database.max_connections.get()).await
}

/// Connects to the database of files alone; `None` if they have none of their own.
pub async fn connect_files(config: &Config) -> Result<Option<Db>, ConnectError> {
    let Some(url) = &config.files.database else {
        return Ok(None);
    };
    let url = located(config, url, "files.db")?;
    let settings = database::Settings {
        max_connections: config.files.max_connections.get(),
        ..database::Settings::new(url)
    };
    Db::connect(&settings)
        .await
        .map(Some)
        .map_err(ConnectError::Files)
}

async fn connect(config: &Config, max_connections: u32) -> Result<Db, ConnectError> {
    let url = located(config, &config.database.url, "noroshi.db")?;
    Ok(Db::connect(&database::Settings {
        max_connections,
        ..database::Settings::new(url)
    })
    .await?)
}

/// The URL for the driver; an embedded database is that file of the data directory.
fn located(config: &Config, url: &DatabaseUrl, file: &str) -> Result<String, ConnectError> {
    if url.is_embedded() {
        Ok(format!("sqlite:{}", embedded::file(config, file)?.display()))
    } else {
        Ok(url.expose().to_owned())
    }
}

async fn open_database(config: &Config) -> Result<Db, ConnectError> {
    let db = connect_database(config).await?;
    match made_ready(&db, &config.database.url).await? {
        0 => Ok(db),
        missing => Err(ConnectError::NotMigrated {
            setting: "[database] url",
            missing,
        }),
    }
}

async fn open_files(config: &Config, db: &Db) -> Result<Db, ConnectError> {
    let (Some(url), Some(files)) = (&config.files.database, connect_files(config).await?) else {
        return Ok(db.clone());
    };
    match made_ready(&files, url).await.map_err(ConnectError::Files)? {
        0 => Ok(files),
        missing => Err(ConnectError::NotMigrated {
            setting: "[files] database",
            missing,
        }),
    }
}

/// How many migrations the database lacks. An embedded one is migrated by whoever opens it; any
/// other is a person's decision.
async fn made_ready(db: &Db, url: &DatabaseUrl) -> Result<usize, database::Error> {
    if url.is_embedded() {
        migrate::run(db).await?;
        return Ok(0);
    }
    let migrations = migrate::status(db).await?;
    let missing = migrations
        .iter()
        .filter(|migration| migration.state != State::Applied);
    Ok(missing.count())
}

fn datastore_settings(config: &Config, endpoint: String) -> push_store::Settings {
    let settings = &config.datastore;
    push_store::Settings {
        endpoint,
        project: settings.project.clone(),
        database: settings.database.clone(),
        namespace: settings.namespace.clone(),
        deadline: CALL_WITHIN,
    }
}

fn queue_settings(config: &Config, endpoint: String) -> task_queue::Settings {
    let settings = &config.queue;
    let handler = match &settings.handler {
        Some(handler) => handler.as_str().to_owned(),
        None => format!("http://{}/tasks/deliver", config.sender.listen),
    };
    let account = settings.service_account.as_deref().unwrap_or(EMBEDDED_ACCOUNT);
    task_queue::Settings {
        endpoint,
        project: settings.project.clone(),
        location: settings.location.clone(),
        fast: settings.fast.clone(),
        bulk: settings.bulk.clone(),
        oidc: Oidc {
            service_account: account.to_owned(),
            audience: settings.audience.clone().unwrap_or_else(|| handler.clone()),
        },
        handler,
        dispatch_deadline: settings.deadline,
        max_concurrent: u16::try_from(config.sender.concurrency.get()).unwrap_or(u16::MAX),
        deadline: CALL_WITHIN,
    }
}

/// Whether an endpoint is an emulator's, embedded or not: Google's are never spoken to in clear.
pub(crate) fn is_stand_in(endpoint: &str) -> bool {
    endpoint.starts_with("http://")
}

/// What a token of that queue says. An emulator signs as itself and publishes its own keys.
fn identity(queue: &task_queue::Settings) -> Expected {
    let (issuer, keys_url) = if is_stand_in(&queue.endpoint) {
        (queue.endpoint.clone(), format!("{}/certs", queue.endpoint))
    } else {
        (
            "https://accounts.google.com".to_owned(),
            "https://www.googleapis.com/oauth2/v3/certs".to_owned(),
        )
    };
    Expected {
        issuer,
        keys_url,
        audience: queue.oidc.audience.clone(),
        service_account: queue.oidc.service_account.clone(),
    }
}
