//! Several whole installations on the same stores, each of which can be killed and started again.
//!
//! Datastore, the queue and the gateway live in this process and outlive them all. Each
//! installation hands its tasks to its own sender, so that as many senders are at work at once.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use database::{Db, create_database, drop_database, migrate};
use emulator::{datastore, sink, tasks};
use journeys::binaries::binary;
use journeys::engines;
use journeys::processes::Process;
use journeys::world::settings::Settings;
use journeys::world::{Books, Client, TOKEN};
use push_store::PushStore;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

/// How long an installation may take to start.
const START: Duration = Duration::from_secs(60);

/// Chunks that one sender has in hand at once: two of each lane, and one lane may take all.
pub(super) const IN_HAND: usize = 4;

const PROJECT: &str = "last-coupon";

/// Where decisions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sql {
    Sqlite,
    MySql,
}

/// The stores, and the installations on them.
pub(super) struct Cluster {
    pub(super) books: Books,
    members: Vec<Member>,
    servers: Servers,
    sql: database::Settings,
    kept_in: Sql,
    directory: TempDir,
}

struct Servers {
    datastore: datastore::Server,
    tasks: tasks::Server,
    sink: sink::Server,
}

/// One installation, through all its lives.
struct Member {
    binary: PathBuf,
    settings: PathBuf,
    log: PathBuf,
    running: Option<(Process, Client)>,
}

impl Cluster {
    /// So many installations on empty stores; `None` where no server is named for them.
    pub(super) async fn start(kept_in: Sql, members: usize) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let sql = database::Settings::new(match kept_in {
            Sql::Sqlite => format!("sqlite:{}", directory.path().join("noroshi.db").display()),
            Sql::MySql => {
                let server = engines::mysql_url()?;
                format!("{server}/noroshi_coupon_{}", Uuid::new_v4().simple())
            }
        });
        create_database(&sql).await.unwrap();
        let db = Db::connect(&sql).await.unwrap();
        migrate::run(&db).await.unwrap();
        let ledger = directory.path().join("ledger");
        let queue = tasks::Config::new(tasks::Storage::Memory);
        let servers = Servers {
            datastore: datastore::Server::start(datastore::Config::default(), loopback())
                .await
                .unwrap(),
            tasks: tasks::Server::start(queue, loopback()).await.unwrap(),
            sink: sink::Server::start(sink::Config::new(ledger.clone()), loopback())
                .await
                .unwrap(),
        };
        let push_store = PushStore::connect(push_store::Settings {
            endpoint: format!("http://{}", servers.datastore.address()),
            project: PROJECT.to_owned(),
            database: String::new(),
            namespace: String::new(),
            deadline: START,
        });
        let mut cluster = Self {
            books: Books {
                db,
                push_store: push_store.await.unwrap(),
                ledger,
            },
            members: Vec::new(),
            servers,
            sql,
            kept_in,
            directory,
        };
        let binary = binary("noroshi");
        for no in 0..members {
            let mut member = cluster.member(no, &binary);
            member.start().await;
            cluster.members.push(member);
        }
        Some(cluster)
    }

    /// The API of some installation.
    pub(super) fn api(&self) -> &Client {
        let running = self.members.iter().find_map(|member| member.running.as_ref());
        &running.unwrap().1
    }

    /// Kills one installation (SIGKILL), and starts it again.
    pub(super) async fn kill(&mut self, no: usize) {
        let count = self.members.len();
        let member = &mut self.members[no % count];
        let (process, _) = member.running.take().unwrap();
        process.kill();
        member.start().await;
    }

    /// Lets the gateway take that long for each message.
    pub(super) async fn slow_gateway(&self, delay: Duration) {
        let url = format!("http://{}/_sink/script", self.servers.sink.address());
        let script: Value = json!({"delay": {"fixed_ms": delay.as_millis() as u64}});
        let answer = reqwest::Client::new().put(url).json(&script).send().await;
        answer.unwrap().error_for_status().unwrap();
    }

    /// Ends everything.
    pub(super) async fn end(self) {
        for member in self.members {
            let (process, _) = member.running.unwrap();
            let status = process.terminate(START).await;
            assert!(status.success(), "{status}");
        }
        self.books.db.close().await;
        self.servers.tasks.stop().await;
        self.servers.sink.stop().await;
        self.servers.datastore.stop().await;
        if self.kept_in == Sql::MySql {
            drop_database(&self.sql).await.unwrap();
        }
    }

    fn member(&self, no: usize, binary: &Path) -> Member {
        let directory = self.directory.path().join(format!("member-{no}"));
        std::fs::create_dir(&directory).unwrap();
        let url = directory.join("database-url");
        std::fs::write(&url, &self.sql.url).unwrap();
        let Servers {
            datastore,
            tasks,
            sink,
        } = &self.servers;
        let sender = free_address();
        let settings = Settings::embedded(&directory, TOKEN)
            .set("database.url", format!("file:{}", url.display()))
            .set("datastore.endpoint", format!("http://{}", datastore.address()))
            .set("datastore.project", PROJECT)
            .set("queue.endpoint", format!("http://{}", tasks.address()))
            .set("queue.project", PROJECT)
            .set("queue.location", "asia-northeast1")
            .set("queue.handler", format!("http://{sender}/tasks/deliver"))
            .set("queue.service_account", "queue@noroshi.invalid")
            .set("queue.deadline", "15s")
            .set("provider.fcm.endpoint", format!("http://{}", sink.address()))
            .set("provider.fcm.project", PROJECT)
            .set("provider.fcm.timeout", "2s")
            .set("sender.listen", sender.to_string())
            .set("sender.settle_margin", "500ms")
            .set("sender.budget", "3s")
            .set("sender.lease", "5s")
            .set("sender.skew", "200ms")
            .set("sender.concurrency", i64::try_from(IN_HAND / 2).unwrap())
            // Fewer than are taken within the pick-up time, on a machine that is busy as well: what
            // is handed over again before makes the task that waits a stale one.
            .set("dispatch.in_queue", 6)
            .set("dispatch.pick_up", "20s")
            .set("dispatch.pick_up_max", "60s")
            .set("reconcile.min_age", "500ms");
        Member {
            binary: binary.to_owned(),
            settings: settings.write(&directory),
            log: directory.join("noroshi.log"),
            running: None,
        }
    }
}

impl Member {
    async fn start(&mut self) {
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(&self.settings).arg("up");
        let mut process = Process::start(command, &self.log);
        let address = process.wait_for_line(START, |line| {
            let (_, rest) = line.split_once("The API listens on http://")?;
            rest.split('/').next()?.parse().ok()
        });
        let client = Client::new(address.await, TOKEN);
        self.running = Some((process, client));
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A port that was free a moment ago, for a sender in all its lives: the tasks name it.
fn free_address() -> SocketAddr {
    TcpListener::bind(loopback()).unwrap().local_addr().unwrap()
}
