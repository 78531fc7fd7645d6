//! Several whole installations on the same stores, each of which can be killed and started again.
//!
//! Datastore, the queue and the gateway live in this process and outlive them all. Each
//! installation hands its tasks to its own sender, so that as many senders are at work at once.

mod delivery;
mod member;
mod servers;

use std::process::Command;
use std::time::Duration;

use campaign::{AudienceId, CampaignId};
use database::{Db, create_database, drop_database, migrate};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

pub use delivery::{Delivered, Mail};

use crate::engines;
use crate::world::view::{AudienceView, CampaignView};
use crate::world::{Books, Client, Gateway, Settings, until_within};
use member::Member;
use servers::Servers;

/// How long anything may take that is bounded by the machine alone.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// Where decisions are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sql {
    /// A file.
    Sqlite,
    /// A database of its own on this server, `mysql://user@host:port`.
    Server(String),
}

impl Sql {
    /// The server that the suite runs on, if one is named.
    pub fn named() -> Option<Self> {
        engines::mysql_url().map(Self::Server)
    }
}

/// What the installations are.
pub struct Plan {
    /// Where decisions are kept.
    pub sql: Sql,
    /// How many there are.
    pub members: usize,
    /// Tasks of a lane that the queue has at its handlers at once.
    pub tasks_at_once: u16,
    /// The `noroshi` command, whose arguments follow.
    pub noroshi: Box<dyn Fn() -> Command>,
    /// What the configuration of the member of that number has beside its places.
    pub settings: Box<dyn Fn(usize, Settings) -> Settings>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("sql", &self.sql)
            .field("members", &self.members)
            .finish_non_exhaustive()
    }
}

/// The stores, and the installations on them.
#[derive(Debug)]
pub struct Cluster {
    /// What the stores and the gateway say.
    pub books: Books,
    plan: Plan,
    members: Vec<Member>,
    servers: Servers,
    sql: database::Settings,
    _directory: TempDir,
}

impl Cluster {
    /// The installations, on empty stores.
    ///
    /// # Panics
    /// If anything does not start.
    pub async fn start(plan: Plan) -> Self {
        let directory = TempDir::new().expect("a temporary directory can be made");
        let sql = database::Settings::new(match &plan.sql {
            Sql::Sqlite => format!("sqlite:{}", directory.path().join("noroshi.db").display()),
            Sql::Server(server) => format!("{server}/noroshi_cluster_{}", Uuid::new_v4().simple()),
        });
        create_database(&sql).await.expect("a database can be made");
        let db = Db::connect(&sql).await.expect("SQL answers");
        migrate::run(&db).await.expect("a new database can be migrated");
        let ledger = directory.path().join("ledger");
        let servers = Servers::start(&ledger, plan.tasks_at_once).await;
        let books = Books {
            db,
            push_store: servers.push_store().await,
            ledger,
        };
        let mut members = Vec::with_capacity(plan.members);
        for no in 0..plan.members {
            let directory = directory.path().join(format!("member-{no}"));
            let mut member = Member::new(directory, &sql.url, &servers, |settings| {
                (plan.settings)(no, settings)
            });
            member.start((plan.noroshi)()).await;
            members.push(member);
        }
        Self {
            books,
            plan,
            members,
            servers,
            sql,
            _directory: directory,
        }
    }

    /// The API of the first installation that runs.
    pub fn api(&self) -> &Client {
        let running = self.members.iter().find_map(Member::running);
        &running.expect("one of them runs").1
    }

    /// The API of that installation.
    ///
    /// # Panics
    /// If it does not run.
    pub fn api_of(&self, no: usize) -> &Client {
        &self.members[no].running().expect("it runs").1
    }

    /// The gateway to devices.
    pub fn gateway(&self) -> Gateway {
        Gateway::new(self.servers.sink.address(), self.books.ledger.clone())
    }

    /// What the gateway accepts from now on.
    pub fn mail(&self) -> Mail {
        Mail::from_now_on(&self.books.ledger)
    }

    /// Kills one installation (SIGKILL), and starts it again.
    pub async fn kill(&mut self, no: usize) {
        let count = self.members.len();
        let member = &mut self.members[no % count];
        member.kill();
        member.start((self.plan.noroshi)()).await;
    }

    /// Uploads an audience of these users, and waits until it is ready.
    pub async fn audience(&self, users: &[String]) -> AudienceId {
        let file = format!("user_id\n{}\n", users.join("\n"));
        let api = self.api();
        let uploaded: AudienceView = api.upload("/v1/audiences?name=everybody", "text/csv", file).await;
        until_within(PATIENCE, "the audience is ready", async || {
            let path = format!("/v1/audiences/{}", uploaded.id);
            let audience: AudienceView = api.get(&path).await;
            (audience.state == "ready").then_some(())
        })
        .await;
        uploaded.id
    }

    /// Makes a draft of this plan.
    pub async fn draft(&self, plan: &Value) -> CampaignId {
        let draft: CampaignView = self.api().post("/v1/campaigns", Some(plan)).await;
        draft.id
    }

    /// Ends everything.
    ///
    /// # Panics
    /// If an installation does not drain.
    pub async fn end(self) {
        for member in self.members {
            member.drain().await;
        }
        self.books.db.close().await;
        self.servers.stop().await;
        drop_database(&self.sql)
            .await
            .expect("the database can be dropped");
    }
}
