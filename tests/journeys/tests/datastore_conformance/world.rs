//! A Datastore of one kind with a project of its own, and the words in which cases speak to it.

use std::collections::HashMap;

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
use wire::mutation::Operation;
use wire::read_options::ConsistencyType;
use wire::value::ValueType;

/// Most that an answer may have; clients take 4 MiB unless told.
const MAX_ANSWER_BYTES: usize = 64 << 20;

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

/// The last ids or names of results, joined by spaces.
pub(crate) fn names(batch: &wire::QueryResultBatch) -> String {
    let entities = batch
        .entity_results
        .iter()
        .filter_map(|result| result.entity.as_ref());
    let last = entities.filter_map(|entity| entity.key.as_ref()?.path.last()?.id_type.clone());
    let words = last.map(|id| match id {
        IdType::Id(id) => id.to_string(),
        IdType::Name(name) => name,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A plain indexed value.
pub(crate) fn value(value_type: ValueType) -> wire::Value {
    wire::Value {
        value_type: Some(value_type),
        ..wire::Value::default()
    }
}

/// An integer.
pub(crate) fn int(number: i64) -> wire::Value {
    value(ValueType::IntegerValue(number))
}

/// A string.
pub(crate) fn text(text: &str) -> wire::Value {
    value(ValueType::StringValue(text.to_owned()))
}

/// An array.
pub(crate) fn array(values: Vec<wire::Value>) -> wire::Value {
    value(ValueType::ArrayValue(wire::ArrayValue { values }))
}

/// A value that no index holds.
pub(crate) fn excluded(value: wire::Value) -> wire::Value {
    wire::Value {
        exclude_from_indexes: true,
        ..value
    }
}

/// An insert.
pub(crate) fn insert(entity: wire::Entity) -> wire::Mutation {
    mutation(Operation::Insert(entity))
}

/// An update.
pub(crate) fn update(entity: wire::Entity) -> wire::Mutation {
    mutation(Operation::Update(entity))
}

/// An upsert.
pub(crate) fn upsert(entity: wire::Entity) -> wire::Mutation {
    mutation(Operation::Upsert(entity))
}

/// A delete.
pub(crate) fn delete(key: wire::Key) -> wire::Mutation {
    mutation(Operation::Delete(key))
}

/// Reading in a transaction.
pub(crate) fn inside(transaction: &[u8]) -> Option<ConsistencyType> {
    Some(ConsistencyType::Transaction(transaction.to_vec()))
}

fn mutation(operation: Operation) -> wire::Mutation {
    wire::Mutation {
        operation: Some(operation),
        ..wire::Mutation::default()
    }
}

/// A query of a kind, or of all kinds for the empty string.
pub(crate) fn query(kind: &str) -> wire::Query {
    let kind = (!kind.is_empty()).then(|| wire::KindExpression {
        name: kind.to_owned(),
    });
    wire::Query {
        kind: kind.into_iter().collect(),
        ..wire::Query::default()
    }
}

/// The words in which a query is put together.
pub(crate) trait QueryWords: Sized {
    /// With one more condition.
    fn filter(self, property: &str, operator: wire::property_filter::Operator, value: wire::Value) -> Self;
    /// With any of these conditions.
    fn any(self, filters: Vec<wire::Filter>) -> Self;
    /// In the order of a property; with `-` in front from great to small.
    fn order(self, property: &str) -> Self;
    /// Showing these properties only.
    fn show(self, properties: &[&str]) -> Self;
    /// Only the first result of those with equal values.
    fn distinct(self, properties: &[&str]) -> Self;
    /// At most so many results.
    fn limit(self, limit: i32) -> Self;
}

impl QueryWords for wire::Query {
    fn filter(self, property: &str, operator: wire::property_filter::Operator, value: wire::Value) -> Self {
        and(self, condition(property, operator, value))
    }

    fn any(self, filters: Vec<wire::Filter>) -> Self {
        and(self, composite(wire::composite_filter::Operator::Or, filters))
    }

    fn order(mut self, property: &str) -> Self {
        use wire::property_order::Direction;

        let (direction, name) = match property.strip_prefix('-') {
            Some(name) => (Direction::Descending, name),
            None => (Direction::Ascending, property),
        };
        self.order.push(wire::PropertyOrder {
            property: Some(reference(name)),
            direction: direction.into(),
        });
        self
    }

    fn show(mut self, properties: &[&str]) -> Self {
        let shown = properties.iter().map(|name| wire::Projection {
            property: Some(reference(name)),
        });
        self.projection = shown.collect();
        self
    }

    fn distinct(mut self, properties: &[&str]) -> Self {
        self.distinct_on = properties.iter().map(|name| reference(name)).collect();
        self
    }

    fn limit(mut self, limit: i32) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// One condition of a filter.
pub(crate) fn condition(
    property: &str,
    operator: wire::property_filter::Operator,
    value: wire::Value,
) -> wire::Filter {
    let leaf = wire::PropertyFilter {
        property: Some(reference(property)),
        op: operator.into(),
        value: Some(value),
    };
    wire::Filter {
        filter_type: Some(wire::filter::FilterType::PropertyFilter(leaf)),
    }
}

fn and(mut query: wire::Query, filter: wire::Filter) -> wire::Query {
    query.filter = Some(match query.filter.take() {
        None => filter,
        Some(before) => composite(wire::composite_filter::Operator::And, vec![before, filter]),
    });
    query
}

fn composite(operator: wire::composite_filter::Operator, filters: Vec<wire::Filter>) -> wire::Filter {
    let composite = wire::CompositeFilter {
        op: operator.into(),
        filters,
    };
    wire::Filter {
        filter_type: Some(wire::filter::FilterType::CompositeFilter(composite)),
    }
}

fn reference(name: &str) -> wire::PropertyReference {
    wire::PropertyReference {
        name: name.to_owned(),
    }
}

/// The properties of a result.
pub(crate) fn properties(result: &wire::EntityResult) -> &HashMap<String, wire::Value> {
    &result.entity.as_ref().expect("a result has an entity").properties
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
    api.expect("a client can be made")
        .get()
        .max_decoding_message_size(MAX_ANSWER_BYTES)
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
