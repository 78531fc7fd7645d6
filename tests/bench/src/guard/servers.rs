//! A primary, and a replica that is slow.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use database::{Db, Settings, create_database, migrate};
use journeys::mariadb::MariaDb;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const DATABASE: &str = "noroshi";

/// How often the replica is stopped: too short for a connection to give up.
const PERIOD: Duration = Duration::from_millis(100);

/// How long a new database may take to come to the replica.
const COPIED_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// Both of them, and their URLs.
#[derive(Debug)]
pub(super) struct Servers {
    pub(super) primary_url: String,
    pub(super) replica_url: String,
    primary: MariaDb,
    replica: MariaDb,
}

/// Both of them, the replica being slowed down.
#[derive(Debug)]
pub(super) struct Slowed {
    stop: CancellationToken,
    slowing: JoinHandle<MariaDb>,
    _primary: MariaDb,
}

impl Servers {
    /// Starts them with their data in `directory`, and a migrated database on both.
    pub(super) async fn start(program: &Path, directory: &Path) -> anyhow::Result<Self> {
        let (primary, replica) = MariaDb::start_replicated(program, directory).await?;
        let url = |server: &MariaDb| format!("mysql://root@{}/{DATABASE}", server.address());
        let servers = Self {
            primary_url: url(&primary),
            replica_url: url(&replica),
            primary,
            replica,
        };
        let settings = Settings::new(&servers.primary_url);
        create_database(&settings).await?;
        let db = Db::connect(&settings).await?;
        migrate::run(&db).await?;
        db.close().await;
        let copied = tokio::time::timeout(COPIED_WITHIN, servers.copied());
        copied.await.context("the replica does not copy")?;
        Ok(servers)
    }

    async fn copied(&self) {
        loop {
            if let Ok(db) = Db::connect(&Settings::new(&self.replica_url)).await {
                let copied = database::heartbeat::last(&db).await.is_ok();
                db.close().await;
                if copied {
                    return;
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Lets the replica run for so many of a hundred parts of the time.
    pub(super) fn slow_down(self, percent: u32) -> Slowed {
        let stop = CancellationToken::new();
        let runs = PERIOD * percent / 100;
        let until = stop.clone();
        let mut replica = self.replica;
        #[expect(clippy::disallowed_methods, reason = "its owner waits for it")]
        let slowing = tokio::spawn(async move {
            while !until.is_cancelled() {
                tokio::time::sleep(runs).await;
                let Some(process) = replica.process() else { break };
                process.freeze();
                tokio::time::sleep(PERIOD - runs).await;
                process.thaw();
            }
            replica
        });
        Slowed {
            stop,
            slowing,
            _primary: self.primary,
        }
    }
}

impl Slowed {
    /// Ends both.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        let mut replica = self.slowing.await?;
        replica.kill();
        Ok(())
    }
}
