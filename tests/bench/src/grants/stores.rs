//! A campaign with a coupon, expanded, of which nothing is granted yet.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use campaign::{
    AudienceId, CampaignId, ChunkId, CouponId, IntentId, PushId, PushState, SendTime, TimerShards,
};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use database::shard::coupon_grant::{self, Occasion};
use database::{Db, Settings, coupon, create_database, drop_database, migrate};
use push_store::{NewChunk, NewPush, PushStore};
use sender::grants::Candidate;
use tempfile::TempDir;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Recipients of a chunk.
const CHUNK: u32 = 499;

/// Where grants are written.
#[derive(Clone, Debug)]
pub(super) enum Sql {
    /// A file.
    Sqlite,
    /// A database of its own on this server.
    MySql(String),
}

impl fmt::Display for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::MySql(_) => "MySQL or MariaDB",
        })
    }
}

/// The stores of one turn. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Stores {
    pub(super) db: Db,
    pub(super) push_store: PushStore,
    pub(super) campaign: CampaignId,
    pub(super) coupon: CouponId,
    pub(super) now: DateTime<Utc>,
    /// Where transactions live that take part in something.
    pub(super) tasks: TaskTracker,
    users: u32,
    database: Arc<Database>,
}

#[derive(Debug)]
struct Database {
    settings: Settings,
    is_file: bool,
    _directory: TempDir,
}

impl Stores {
    /// Makes them, with the campaign's pushes in chunks.
    pub(super) async fn open(sql: &Sql, datastore: &str, users: u32) -> anyhow::Result<Self> {
        let directory = TempDir::new()?;
        let project = format!("grants-{}", Uuid::now_v7().simple());
        let settings = Settings::new(match sql {
            Sql::Sqlite => format!("sqlite:{}", directory.path().join("sql.db").display()),
            Sql::MySql(server) => format!("{}/{}", server.trim_end_matches('/'), project.replace('-', "_")),
        });
        create_database(&settings).await?;
        let stores = Self {
            db: Db::connect(&settings).await?,
            push_store: PushStore::connect(push_store::Settings {
                endpoint: format!("http://{datastore}"),
                project,
                database: String::new(),
                namespace: String::new(),
                deadline: Duration::from_secs(20),
            })
            .await?,
            campaign: CampaignId::allocate(),
            coupon: CouponId::allocate(),
            now: now(),
            tasks: TaskTracker::new(),
            users,
            database: Arc::new(Database {
                settings,
                is_file: matches!(sql, Sql::Sqlite),
                _directory: directory,
            }),
        };
        stores.fill().await?;
        Ok(stores)
    }

    async fn fill(&self) -> anyhow::Result<()> {
        migrate::run(&self.db).await?;
        let mut tx = self.db.begin().await?;
        coupon::insert(&mut tx, self.coupon, "bench", None, (None, None), self.now).await?;
        tx.commit().await.repeatable()?;
        let audience = AudienceId::allocate();
        for no in self.chunks() {
            let recipients = self.candidates(no).into_iter().map(|candidate| {
                Some(NewPush {
                    user: candidate.user,
                    locale: None,
                    variables: vec![("name".to_owned(), "Somebody".to_owned())],
                })
            });
            let chunk = NewChunk {
                campaign: self.campaign,
                no,
                audience,
                digest: [0; 32],
                timer: TimerShards::for_audience(self.users.into()).key(self.campaign, no),
                send_time: SendTime::At(self.now),
                expires_at: self.now + TimeDelta::hours(1),
                recipients: recipients.collect(),
            };
            self.push_store.expand(chunk, self.now).await?;
        }
        Ok(())
    }

    /// The numbers of all chunks.
    pub(super) fn chunks(&self) -> Range<u32> {
        0..self.users.div_ceil(CHUNK)
    }

    /// Who is in a chunk, by place.
    pub(super) fn candidates(&self, no: u32) -> Vec<Candidate> {
        let users = (no * CHUNK)..((no + 1) * CHUNK).min(self.users);
        let candidates = (0..).zip(users).map(|(place, user)| {
            // As ids of users lie: in no order.
            let user = Uuid::new_v5(&self.campaign.0, &user.to_le_bytes()).to_string();
            Candidate {
                push: PushId::of(self.campaign, &user),
                place,
                user,
            }
        });
        candidates.collect()
    }

    pub(super) fn chunk(&self, no: u32) -> ChunkId {
        ChunkId::of(self.campaign, no)
    }

    /// A new intent for grants of the chunk.
    pub(super) fn occasion(&self, no: u32) -> Occasion {
        Occasion {
            campaign_id: self.campaign,
            coupon_id: self.coupon,
            chunk_no: no,
            intent_id: IntentId::allocate(),
            granted_at: self.now,
        }
    }

    /// When an intent comes due that nobody closes.
    pub(super) fn intent_due_at(&self) -> DateTime<Utc> {
        self.now + TimeDelta::seconds(2)
    }

    /// Whoever is fast without doing the work is not measured.
    pub(super) async fn expect_all_granted(&self) -> anyhow::Result<()> {
        let grants = coupon_grant::count(&self.db, self.campaign).await?;
        ensure!(
            grants == u64::from(self.users),
            "{grants} of {} grants",
            self.users
        );
        let numbers = self.chunks().collect::<Vec<_>>();
        let mut sent = 0;
        for numbers in numbers.chunks(push_store::MAX_LOOKUP_KEYS) {
            let chunks = self.push_store.list_chunks(self.campaign, numbers).await?;
            sent += chunks
                .iter()
                .map(|chunk| chunk.tally.count(PushState::Sent))
                .sum::<u64>();
        }
        ensure!(
            sent == u64::from(self.users),
            "{sent} of {} pushes settled",
            self.users
        );
        Ok(())
    }

    /// Removes the database.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.db.close().await;
        if !self.database.is_file {
            drop_database(&self.database.settings)
                .await
                .context("the database of the turn")?;
        }
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an instant to write down; nothing waits for it"
)]
fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}
