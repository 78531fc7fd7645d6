//! The stores that a world can stand on, and what it takes to have them.

use database::{Settings as SqlSettings, create_database, drop_database, migrate};
use emulator::datastore;
use uuid::Uuid;

use super::settings::Settings;
use crate::engines;
use crate::wire::grpc;
use crate::wire::mysql::Proxy;

/// Which stores a world stands on. The queue and the gateway are always embedded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stores {
    /// SQLite and our Datastore, which refuses the later of two transactions when it commits.
    Optimistic,
    /// SQLite and our Datastore, which lets it wait for a lock.
    Pessimistic,
    /// The first, behind a wire that sees what is asked of Datastore.
    Wired,
    /// MySQL or MariaDB, and our Datastore.
    MySql,
    /// MySQL or MariaDB, and Google's Datastore emulator.
    GoogleOnMySql,
}

/// What one world has of a SQL server, dropped with it.
#[derive(Debug)]
pub(super) struct MySql {
    /// The database's.
    pub(super) name: String,
    /// Reaches the database past the wire.
    pub(super) direct: SqlSettings,
    /// Between the installation and the server.
    pub(super) wire: Proxy,
}

/// Our Datastore outside of the installation.
#[derive(Debug)]
pub(super) struct Wired {
    /// Between the installation and the server.
    pub(super) wire: grpc::Proxy,
    _server: datastore::Server,
}

impl Wired {
    async fn start() -> Self {
        let loopback = ([127, 0, 0, 1], 0).into();
        let server = datastore::Server::start(datastore::Config::default(), loopback).await;
        let server = server.expect("a port is free");
        Self {
            wire: grpc::Proxy::start(server.address(), 0).await,
            _server: server,
        }
    }

    /// Names it in `settings`.
    pub(super) fn name_in(&self, settings: Settings) -> Settings {
        settings
            .set("datastore.endpoint", format!("http://{}", self.wire.address()))
            .set("datastore.project", "wired")
    }
}

impl Stores {
    /// Our Datastore outside of the installation, where it is there.
    pub(super) async fn wired(self) -> Option<Wired> {
        match self {
            Self::Wired => Some(Wired::start().await),
            Self::Optimistic | Self::Pessimistic | Self::MySql | Self::GoogleOnMySql => None,
        }
    }

    /// Names these stores in `settings`; `None` where no server is named for them.
    pub(super) async fn name_in(self, settings: Settings) -> Option<(Settings, Option<MySql>)> {
        match self {
            Self::Optimistic | Self::Wired => {
                Some((settings.set("datastore.concurrency", "optimistic"), None))
            }
            Self::Pessimistic => Some((settings.set("datastore.concurrency", "pessimistic"), None)),
            Self::MySql => on_mysql(settings).await,
            Self::GoogleOnMySql => {
                let google = engines::google_datastore()?;
                let settings = settings
                    .set("datastore.endpoint", format!("http://{google}"))
                    .set("datastore.project", format!("world-{}", Uuid::new_v4().simple()));
                on_mysql(settings).await
            }
        }
    }
}

async fn on_mysql(settings: Settings) -> Option<(Settings, Option<MySql>)> {
    let (settings, mysql) = on_server(&engines::mysql_url()?, settings).await;
    Some((settings, Some(mysql)))
}

/// Names a new database of that server in `settings`.
pub(super) async fn on_server(server: &str, settings: Settings) -> (Settings, MySql) {
    let name = format!("noroshi_world_{}", Uuid::new_v4().simple());
    let direct = SqlSettings::new(format!("{server}/{name}"));
    create_database(&direct)
        .await
        .expect("the server makes databases");
    let db = database::Db::connect(&direct)
        .await
        .expect("a new database is there");
    migrate::run(&db).await.expect("a new database can be migrated");
    db.close().await;

    let (user, address) = authority(server);
    let wire = Proxy::start(address, 0).await;
    let url = format!("mysql://{user}@{}/{name}", wire.address());
    let settings = settings.set("database.url", url);
    (settings, MySql { name, direct, wire })
}

/// User and `host:port` of `mysql://user@host:port`.
fn authority(server: &str) -> (&str, &str) {
    server
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('@'))
        .expect("the server is named mysql://user@host:port")
}

impl Drop for MySql {
    /// Drops the database. On a thread of its own: this may be the end of a test that failed, in
    /// the middle of an async runtime.
    fn drop(&mut self) {
        let settings = self.direct.clone();
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                // One that stays is found by whoever cleans the server up.
                let _ = runtime.block_on(drop_database(&settings));
            }
        });
        let _ = dropping.join();
    }
}
