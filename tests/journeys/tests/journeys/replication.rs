//! The load guard on a MariaDB with a replica of its own, whose replication is paused.

use std::io::Write;
use std::process::{Child, Stdio};
use std::time::Duration;

use campaign::CampaignId;
use chrono::{DateTime, Utc};
use journeys::engines;
use journeys::mariadb::MariaDb;
use journeys::world::view::AudienceView;
use journeys::world::{World, until, until_within, users};
use serde::Deserialize;
use tempfile::TempDir;

/// Recipients, five to a chunk: there is much to be stopped between.
const USERS: usize = 2_000;

/// How long what the guard takes time for may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often everything must have had a chance to begin: samples of the guard, two a second.
const SAMPLES: usize = 6;

/// What the API shows of the guard.
#[derive(Clone, Debug, Deserialize)]
struct GuardView {
    state: String,
    share: f64,
    cause: Option<String>,
    sampled_at: DateTime<Utc>,
    replicas: Vec<ReplicaView>,
    threads_running: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
struct ReplicaView {
    name: String,
    hearing: String,
    lag_seconds: Option<f64>,
}

/// A primary, its replica, and an installation that watches both.
struct Stage {
    world: World,
    replica: MariaDb,
    _primary: MariaDb,
    _directory: TempDir,
}

impl Stage {
    /// `None` where no MariaDB is installed.
    async fn set() -> Option<Self> {
        let program = engines::mariadb()?;
        let directory = TempDir::new().unwrap();
        let servers = MariaDb::start_replicated(&program, directory.path()).await;
        let (primary, replica) = servers.unwrap();
        let server = format!("mysql://root@{}", primary.address());
        let world = World::on_server(&server, |settings, database| {
            let replica = format!("mysql://root@{}/{database}", replica.address());
            settings
                .set("guard.replicas", vec![replica])
                .set("guard.interval", "500ms")
                .set("guard.replica_lag_slow_from", "1s")
                .set("guard.replica_lag_hold_at", "4s")
                .set("fan_out.mutations", 6)
                .set("fan_out.in_flight", 1)
        });
        let stage = Self {
            world: world.await,
            replica,
            _primary: primary,
            _directory: directory,
        };
        stage
            .until("the replica is heard", |guard| {
                guard.replicas[0].hearing == "heard"
            })
            .await;
        Some(stage)
    }

    async fn guard(&self) -> GuardView {
        self.world.api().get("/v1/guard").await
    }

    async fn until(&self, what: &str, is_so: impl Fn(&GuardView) -> bool) -> GuardView {
        until_within(PATIENCE, what, async || Some(self.guard().await).filter(&is_so)).await
    }

    /// Waits until the guard has looked so many times again.
    async fn samples(&self, samples: usize) {
        for _ in 0..samples {
            let before = self.guard().await.sampled_at;
            self.until("a sample is taken", |guard| guard.sampled_at > before)
                .await;
        }
    }

    async fn expanded(&self, campaign: CampaignId) -> u64 {
        self.world.api().progress(campaign).await.expanded
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_replica_is_stopped_nothing_begins_and_then_all_of_it_is_done() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let world = &stage.world;
    let audience = world.audience_with_devices(&users(USERS)).await;
    let campaign = world.campaign(audience).coupon(None).start().await;
    until("some of it is expanded", async || {
        (stage.expanded(campaign).await > 0).then_some(())
    })
    .await;

    stage.replica.run("STOP SLAVE SQL_THREAD").unwrap();
    let held = stage
        .until("everything is held", |guard| guard.state == "held")
        .await;
    let next = world.audience().of(&users(300)).upload().await;
    // What had begun has come to its end by then.
    stage.samples(SAMPLES).await;
    let before = world.api().progress(campaign).await;
    stage.samples(SAMPLES).await;
    let after = world.api().progress(campaign).await;
    let waiting: AudienceView = world.api().get(&format!("/v1/audiences/{next}")).await;
    stage.replica.run("START SLAVE SQL_THREAD").unwrap();
    stage
        .until("everything goes", |guard| guard.state == "free")
        .await;

    let progress = world.finished(campaign).await;
    world.api().until_ready(next).await;
    assert_eq!(held.cause.as_deref(), Some("replica_lag"));
    assert_eq!(held.share, 0.0);
    assert_eq!(held.replicas[0].hearing, "stopped");
    assert_eq!(held.replicas[0].name, stage.replica.address().to_string());
    assert!(held.threads_running > Some(0), "{held:?}");
    assert!(before.expanded < USERS as u64, "it was stopped too late");
    assert_eq!(before.expanded, after.expanded);
    assert_eq!((before.grants, &before.tally), (after.grants, &after.tally));
    assert_eq!(
        (before.guard.state.as_str(), after.state.as_str()),
        ("held", "running")
    );
    assert_ne!(waiting.state, "ready");
    assert_eq!(progress.outcomes(), [("accepted", USERS as u64)]);
    stage.world.end().await;
}

/// It says that it runs, and applies nothing: only the heartbeat tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_falls_behind_slows_everything_down_until_it_is_back() {
    let Some(stage) = Stage::set().await else {
        return;
    };

    let locked = Locked::on(&stage.replica);
    let slowed = stage
        .until("everything is slowed", |guard| guard.state == "slowed")
        .await;
    let held = stage
        .until("everything is held", |guard| guard.state == "held")
        .await;
    drop(locked);
    let recovering = stage
        .until("something may begin", |guard| guard.state == "slowed")
        .await;
    let free = stage
        .until("everything goes", |guard| guard.state == "free")
        .await;

    assert_eq!(slowed.cause.as_deref(), Some("replica_lag"));
    assert!(slowed.replicas[0].lag_seconds.unwrap() >= 1.0, "{slowed:?}");
    assert_eq!(held.replicas[0].hearing, "heard");
    assert_eq!(recovering.cause.as_deref(), Some("replica_lag"));
    assert_eq!((free.share, free.cause), (1.0, None));
    stage.world.end().await;
}

/// A read lock over all tables, which nothing that is replicated gets past.
struct Locked(Child);

impl Locked {
    fn on(replica: &MariaDb) -> Self {
        let mut client = replica.client().stdin(Stdio::piped()).spawn().unwrap();
        let statements = client.stdin.as_mut().unwrap();
        writeln!(statements, "FLUSH TABLES WITH READ LOCK;").unwrap();
        Self(client)
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // The lock is its connection's.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
