//! A push store of its own for every case, on each engine, and what cases are made of.

use std::time::Duration;

use campaign::{
    AudienceId, CampaignId, ChunkId, HandOverTerms, LeaseTerms, LeaseToken, Leased, PushId, Queued, SendTime,
    Standing, Tally, TimerShards,
};
use chrono::{DateTime, TimeDelta, Utc};
use emulator::datastore::{Concurrency, Config, Server, Storage};
use journeys::wire::grpc::Proxy;
use push_store::{Afterwards, Chunk, Expansion, NewChunk, NewPush, PushStore, Settings};
use tempfile::TempDir;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Optimistic,
    Pessimistic,
    File,
    Google,
}

/// A push store with a project of its own.
pub(crate) struct World {
    pub(crate) store: PushStore,
    address: String,
    settings: Settings,
    server: Option<Server>,
    _directory: TempDir,
}

pub(crate) const HAND_OVER: HandOverTerms = HandOverTerms {
    look_ahead: Duration::from_secs(30),
    pick_up: Duration::from_secs(60),
    pick_up_max: Duration::from_secs(600),
};

pub(crate) const LEASE: LeaseTerms = LeaseTerms {
    duration: Duration::from_secs(60),
    skew: Duration::from_secs(5),
};

/// So many seconds after the first moment of a case.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

impl World {
    async fn open(engine: Engine) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let memory = Config::default();
        let config = match engine {
            Engine::Optimistic => memory,
            Engine::Pessimistic => Config {
                concurrency: Concurrency::PESSIMISTIC,
                ..memory
            },
            Engine::File => Config {
                storage: Storage::File(directory.path().join("datastore.db")),
                ..memory
            },
            Engine::Google => {
                let address = journeys::engines::google_datastore()?;
                return Some(Self::at(address, None, directory).await);
            }
        };
        let server = Server::start(config, ([127, 0, 0, 1], 0).into()).await.unwrap();
        Some(Self::at(server.address().to_string(), Some(server), directory).await)
    }

    async fn at(address: String, server: Option<Server>, directory: TempDir) -> Self {
        let settings = Settings {
            endpoint: format!("http://{address}"),
            project: format!("store-{}", Uuid::new_v4().simple()),
            database: String::new(),
            namespace: String::new(),
            deadline: Duration::from_secs(20),
        };
        Self {
            store: PushStore::connect(settings.clone()).await.unwrap(),
            address,
            settings,
            server,
            _directory: directory,
        }
    }

    /// The same store over a wire that can lie.
    pub(crate) async fn over_a_wire(&self) -> (PushStore, Proxy) {
        let wire = Proxy::start(&self.address, 0).await;
        let settings = Settings {
            endpoint: format!("http://{}", wire.address()),
            ..self.settings.clone()
        };
        (PushStore::connect(settings).await.unwrap(), wire)
    }

    /// A campaign of one chunk, expanded and due at [`at`] 0.
    pub(crate) async fn chunk(&self, size: usize) -> Chunk {
        let new = new_chunk(CampaignId::allocate(), 0, size);
        let id = ChunkId::of(new.campaign, 0);
        let expanded = self.store.expand(new, at(0)).await.unwrap();
        assert!(matches!(expanded, Expansion::Expanded(_)), "{expanded:?}");
        self.find(id).await
    }

    /// The same, leased under its first generation at [`at`] 1.
    pub(crate) async fn leased_chunk(&self, size: usize) -> (Chunk, LeaseToken) {
        let chunk = self.chunk(size).await;
        let token = LeaseToken::allocate();
        let queued = self.store.queue(chunk.id, at(0), HAND_OVER).await.unwrap();
        assert!(matches!(queued, Some(Queued::Queued { generation: 0, .. })));
        let leased = self.store.lease(chunk.id, 0, token, at(1), LEASE).await.unwrap();
        let (leased, chunk) = leased.unwrap();
        assert!(matches!(leased, Leased::Leased { .. }));
        (chunk, token)
    }

    /// Settles at [`at`] `seconds`, and gives the chunk as it is then.
    pub(crate) async fn settle(
        &self,
        chunk: ChunkId,
        results: &[(PushId, Standing)],
        afterwards: Afterwards,
        seconds: i64,
    ) -> Chunk {
        let settled = self.store.settle(chunk, results, afterwards, at(seconds)).await;
        settled.unwrap().unwrap()
    }

    /// The chunk as it is stored.
    pub(crate) async fn find(&self, id: ChunkId) -> Chunk {
        self.store.find_chunk(id).await.unwrap().unwrap()
    }
}

/// A chunk of so many recipients, due at [`at`] 0.
pub(crate) fn new_chunk(campaign: CampaignId, no: u32, size: usize) -> NewChunk {
    let recipients = (0..size).map(|place| {
        Some(NewPush {
            user: user(place),
            locale: (place == 0).then(|| "ja".to_owned()),
            variables: vec![("rank".to_owned(), format!("gold-{place}"))],
        })
    });
    NewChunk {
        campaign,
        no,
        audience: AudienceId(Uuid::from_u128(1)),
        digest: [7; 32],
        timer: TimerShards::for_audience(1).key(campaign, no),
        send_time: SendTime::At(at(0)),
        expires_at: at(86_400),
        recipients: recipients.collect(),
    }
}

pub(crate) fn user(place: usize) -> String {
    format!("user-{place}")
}

/// So many pushes that stand so.
pub(crate) fn tally(standings: &[(Standing, u64)]) -> Tally {
    let mut tally = Tally::default();
    for (standing, count) in standings {
        tally.add(*standing, *count);
    }
    tally
}

/// The push of the user at that place.
pub(crate) fn push(chunk: &Chunk, place: usize) -> PushId {
    PushId::of(chunk.campaign, &user(place))
}

/// Runs a case on a store of its own; without a server for it there is nothing to run.
pub(crate) async fn run(engine: Engine, case: impl AsyncFnOnce(&World)) {
    let Some(mut world) = World::open(engine).await else {
        return;
    };
    case(&world).await;
    if let Some(server) = world.server.take() {
        server.stop().await;
    }
}

/// Stamps each case as a test for one engine.
macro_rules! on_engine {
    ($module:ident $engine:ident: $($case:ident)+) => {
        mod $module {
            $(#[tokio::test]
            async fn $case() {
                crate::engine::run(crate::engine::Engine::$engine, super::$case).await;
            })+
        }
    };
}

/// Stamps each case as a test for every engine.
macro_rules! on_every_engine {
    ($($case:ident)+) => {
        crate::engine::on_engine! { optimistic Optimistic: $($case)+ }
        crate::engine::on_engine! { pessimistic Pessimistic: $($case)+ }
        crate::engine::on_engine! { file File: $($case)+ }
        crate::engine::on_engine! { google Google: $($case)+ }
    };
}

pub(crate) use {on_engine, on_every_engine};
