//! A Datastore of one kind with a project of its own, and the words in which cases speak to it.

use emulator::datastore::{CompositeIndex, Concurrency, Config, Direction, Server, Storage};
use gcloud_sdk::google::datastore::v1 as wire;
use gcloud_sdk::google_cloud_auth::credentials::anonymous;
use gcloud_sdk::{GoogleApi, GoogleAuthMiddleware};
use tempfile::TempDir;
use tonic::Status;
use wire::commit_request::{Mode, TransactionSelector};
use wire::datastore_client::DatastoreClient;
use wire::key::PathElement;
use wire::key::path_element::IdType;
use wire::read_options::ConsistencyType;
use wire::value::ValueType;

use crate::words::{names, upsert};

/// What a suite can run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    MemoryOptimistic,
    MemoryPessimistic,
    File,
    Google,
}

/// A Datastore, and a project in it that nobody else uses.
pub(crate) struct World {
    pub(crate) project: String,
    client: DatastoreClient<GoogleAuthMiddleware>,
    server: Option<Server>,
    _directory: Option<TempDir>,
}

impl World {
    /// Starts an engine; `None`, with a printed word, if there is none here.
    pub(crate) async fn open(engine: Engine) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let memory = |concurrency| config(Storage::Memory, concurrency);
        let (address, server) = match engine {
            Engine::MemoryOptimistic => start(memory(Concurrency::Optimistic)).await,
            Engine::MemoryPessimistic => start(memory(Concurrency::PESSIMISTIC)).await,
            Engine::File => {
                let storage = Storage::File(directory.path().join("datastore.db"));
                start(config(storage, Concurrency::Optimistic)).await
            }
            Engine::Google => (google()?, None),
        };
        Some(Self {
            project: new_project(),
            client: connect(&address).await,
            server,
            _directory: Some(directory),
        })
    }

    /// Stops an engine that was started.
    pub(crate) async fn close(mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// The same Datastore with another project.
    pub(crate) fn beside(&self) -> Self {
        Self {
            project: new_project(),
            client: self.client.clone(),
            server: None,
            _directory: None,
        }
    }

    /// The client, for requests that have no word here.
    pub(crate) fn client(&self) -> DatastoreClient<GoogleAuthMiddleware> {
        self.client.clone()
    }

    /// A key of elements `Kind/name` or `Kind/7`, or one that ends in a kind and is incomplete.
    pub(crate) fn key(&self, path: &str) -> wire::Key {
        let parts: Vec<&str> = path.split('/').collect();
        let path = parts.chunks(2).map(|element| PathElement {
            kind: element[0].to_owned(),
            id_type: element.get(1).map(|id| match id.parse() {
                Ok(id) => IdType::Id(id),
                Err(_) => IdType::Name((*id).to_owned()),
            }),
        });
        wire::Key {
            partition_id: Some(self.partition()),
            path: path.collect(),
        }
    }

    /// The default namespace of the project.
    pub(crate) fn partition(&self) -> wire::PartitionId {
        wire::PartitionId {
            project_id: self.project.clone(),
            ..wire::PartitionId::default()
        }
    }

    /// An entity at [`World::key`] with these properties.
    pub(crate) fn entity(&self, path: &str, properties: &[(&str, wire::Value)]) -> wire::Entity {
        let properties = properties
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        wire::Entity {
            key: Some(self.key(path)),
            properties: properties.collect(),
        }
    }

    /// Commits without a transaction.
    pub(crate) async fn commit(
        &self,
        mutations: Vec<wire::Mutation>,
    ) -> Result<wire::CommitResponse, Status> {
        self.send_commit(Mode::NonTransactional, None, mutations).await
    }

    /// Commits in a transaction.
    pub(crate) async fn commit_in(
        &self,
        transaction: &[u8],
        mutations: Vec<wire::Mutation>,
    ) -> Result<wire::CommitResponse, Status> {
        let selector = TransactionSelector::Transaction(transaction.to_vec());
        self.send_commit(Mode::Transactional, Some(selector), mutations)
            .await
    }

    /// Commits as it is said.
    pub(crate) async fn send_commit(
        &self,
        mode: Mode,
        transaction_selector: Option<TransactionSelector>,
        mutations: Vec<wire::Mutation>,
    ) -> Result<wire::CommitResponse, Status> {
        let request = wire::CommitRequest {
            project_id: self.project.clone(),
            mode: mode.into(),
            mutations,
            transaction_selector,
            ..wire::CommitRequest::default()
        };
        Ok(self.client().commit(request).await?.into_inner())
    }

    /// Writes entities that must not fail.
    pub(crate) async fn put(&self, entities: Vec<wire::Entity>) {
        self.commit(entities.into_iter().map(upsert).collect())
            .await
            .expect("entities can be written");
    }

    /// Begins a read-write transaction.
    pub(crate) async fn begin(&self) -> Vec<u8> {
        self.begin_with(None).await
    }

    /// Begins a transaction.
    pub(crate) async fn begin_with(&self, transaction_options: Option<wire::TransactionOptions>) -> Vec<u8> {
        let request = wire::BeginTransactionRequest {
            project_id: self.project.clone(),
            transaction_options,
            ..wire::BeginTransactionRequest::default()
        };
        self.client()
            .begin_transaction(request)
            .await
            .expect("a transaction begins")
            .into_inner()
            .transaction
    }

    /// Rolls a transaction back.
    pub(crate) async fn roll_back(&self, transaction: &[u8]) -> Result<(), Status> {
        let request = wire::RollbackRequest {
            project_id: self.project.clone(),
            transaction: transaction.to_vec(),
            ..wire::RollbackRequest::default()
        };
        self.client().rollback(request).await.map(|_| ())
    }

    /// Looks keys up.
    pub(crate) async fn lookup(
        &self,
        keys: &[&str],
        consistency: Option<ConsistencyType>,
    ) -> Result<wire::LookupResponse, Status> {
        let request = wire::LookupRequest {
            project_id: self.project.clone(),
            keys: keys.iter().map(|path| self.key(path)).collect(),
            read_options: consistency.map(|kind| wire::ReadOptions {
                consistency_type: Some(kind),
            }),
            ..wire::LookupRequest::default()
        };
        Ok(self.client().lookup(request).await?.into_inner())
    }

    /// The result at a key, if there is an entity.
    pub(crate) async fn find(&self, path: &str) -> Option<wire::EntityResult> {
        self.lookup(&[path], None)
            .await
            .expect("a lookup is answered")
            .found
            .pop()
    }

    /// One integer property of the entity at a key; `None` without either.
    pub(crate) async fn number(&self, path: &str, property: &str) -> Option<i64> {
        let entity = self.find(path).await?.entity?;
        match entity.properties.get(property)?.value_type {
            Some(ValueType::IntegerValue(number)) => Some(number),
            _ => None,
        }
    }

    /// Runs a query; its first batch.
    pub(crate) async fn run(&self, query: wire::Query) -> Result<wire::QueryResultBatch, Status> {
        Ok(self
            .run_with(query, None)
            .await?
            .batch
            .expect("an answer has a batch"))
    }

    /// Runs a query with read options.
    pub(crate) async fn run_with(
        &self,
        query: wire::Query,
        consistency: Option<ConsistencyType>,
    ) -> Result<wire::RunQueryResponse, Status> {
        let request = wire::RunQueryRequest {
            project_id: self.project.clone(),
            partition_id: Some(self.partition()),
            read_options: consistency.map(|kind| wire::ReadOptions {
                consistency_type: Some(kind),
            }),
            query_type: Some(wire::run_query_request::QueryType::Query(query)),
            ..wire::RunQueryRequest::default()
        };
        Ok(self.client().run_query(request).await?.into_inner())
    }

    /// The last ids or names of a query's results, in their order, joined by spaces.
    pub(crate) async fn names(&self, query: wire::Query) -> String {
        names(&self.run(query).await.expect("a query is answered"))
    }
}

fn new_project() -> String {
    format!("p{}", uuid::Uuid::new_v4().simple())
}

async fn start(config: Config) -> (String, Option<Server>) {
    let server = Server::start(config, ([127, 0, 0, 1], 0).into())
        .await
        .expect("the emulator starts");
    (server.address().to_string(), Some(server))
}

#[expect(
    clippy::disallowed_macros,
    reason = "the word goes to whoever reads the tests' output"
)]
fn google() -> Option<String> {
    let address = journeys::engines::google_datastore();
    if address.is_none() {
        println!("skipped: there is no emulator of Google's here");
    }
    address
}

async fn connect(address: &str) -> DatastoreClient<GoogleAuthMiddleware> {
    let url = format!("http://{address}");
    let credentials = anonymous::Builder::new().build();
    let api = GoogleApi::from_function_with_credentials(DatastoreClient::new, url, None, credentials).await;
    api.expect("a client can be made").get()
}

/// The indexes that the cases need in production; Google's emulator answers without.
fn config(storage: Storage, concurrency: Concurrency) -> Config {
    use Direction::{Ascending, Descending};

    let index = |ancestor, properties: &[(&str, Direction)]| CompositeIndex {
        kind: "Task".to_owned(),
        ancestor,
        properties: properties
            .iter()
            .map(|(name, direction)| ((*name).to_owned(), *direction))
            .collect(),
    };
    let indexes = vec![
        index(false, &[("v", Ascending), ("w", Descending)]),
        index(false, &[("v", Descending), ("w", Ascending)]),
        index(false, &[("v", Ascending), ("w", Ascending)]),
        index(false, &[("w", Ascending), ("v", Descending)]),
        index(false, &[("w", Ascending), ("v", Ascending)]),
        index(true, &[("v", Ascending)]),
        index(true, &[("v", Descending)]),
    ];
    Config {
        storage,
        concurrency,
        indexes,
        ..Config::default()
    }
}
