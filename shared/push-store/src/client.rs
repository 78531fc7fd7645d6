//! The calls to Datastore v1, each sent once.
//!
//! No call is repeated here. A Commit that was sent twice could be told `transaction closed`
//! after it had been applied, so whoever commits decides what an error means.

use std::sync::Arc;
use std::time::Duration;

use campaign::{ChunkId, PushId};
use gcloud_sdk::google::datastore::v1::datastore_client::DatastoreClient;
use gcloud_sdk::google::datastore::v1::query_result_batch::MoreResultsType;
use gcloud_sdk::google::datastore::v1::read_options::ConsistencyType;
use gcloud_sdk::google::datastore::v1::run_query_request::QueryType;
use gcloud_sdk::google::datastore::v1::{
    BeginTransactionRequest, Entity, Key, LookupRequest, PartitionId, Query, ReadOptions, RollbackRequest,
    RunQueryRequest,
};
use gcloud_sdk::google_cloud_auth::credentials::anonymous;
use gcloud_sdk::{GoogleApi, GoogleAuthMiddleware, RequestTimeouts};

use crate::commit::{self, Changes, Within};
use crate::counts::{Commits, Counter};
use crate::entity::{chunk_key, push_key};
use crate::error::Error;

/// Responses hold up to 500 entities or 1,000 markers; tonic's default of 4 MiB would refuse
/// some of what Datastore may send.
const MAX_RESPONSE_BYTES: usize = 64 * 1024 * 1024;

/// Where Datastore is and which part of it is ours.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://datastore.googleapis.com`, or `http://host:port` of an emulator, which is
    /// spoken to in clear and without credentials.
    pub endpoint: String,
    /// The Google Cloud project.
    pub project: String,
    /// The database in it; empty is the default one.
    pub database: String,
    /// The namespace in that; empty is the default one.
    pub namespace: String,
    /// The longest a call may take.
    pub deadline: Duration,
}

/// The pushes and chunks of all campaigns, in Datastore.
#[derive(Clone)]
pub struct PushStore {
    client: GoogleApi<DatastoreClient<GoogleAuthMiddleware>>,
    pub(crate) partition: PartitionId,
    counter: Arc<Counter>,
}

impl std::fmt::Debug for PushStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushStore")
            .field("partition", &self.partition)
            .finish_non_exhaustive()
    }
}

/// A transaction that was begun; Datastore ends it by itself after 270 s, idle after 60 s.
pub(crate) type TransactionId = Vec<u8>;

impl PushStore {
    /// Connects; an endpoint that nobody answers at is an error.
    pub async fn connect(settings: Settings) -> Result<Self, Error> {
        let connected = if settings.endpoint.starts_with("http://") {
            let anonymous = anonymous::Builder::new().build();
            GoogleApi::from_function_with_credentials(client, &settings.endpoint, None, anonymous).await
        } else {
            GoogleApi::from_function(client, &settings.endpoint, None).await
        };
        let client = connected.map_err(|error| Error::Client(Box::new(error)))?;
        let timeouts = RequestTimeouts::new().with_total(settings.deadline);
        Ok(Self {
            client: client.with_request_timeouts(timeouts),
            partition: PartitionId {
                project_id: settings.project,
                database_id: settings.database,
                namespace_id: settings.namespace,
            },
            counter: Arc::default(),
        })
    }

    /// Asks for an entity that does not exist, to learn whether Datastore answers.
    pub async fn ping(&self) -> Result<(), Error> {
        let nobody = ChunkId(uuid::Uuid::nil());
        self.lookup(vec![self.chunk_key(nobody)], None).await.map(drop)
    }

    /// Commits by this client and its clones.
    pub fn commits(&self) -> Commits {
        self.counter.commits()
    }

    pub(crate) fn chunk_key(&self, chunk: ChunkId) -> Key {
        chunk_key(&self.partition, chunk)
    }

    pub(crate) fn push_key(&self, chunk: ChunkId, push: PushId) -> Key {
        push_key(&self.partition, chunk, push)
    }

    pub(crate) async fn begin(&self) -> Result<TransactionId, Error> {
        let request = BeginTransactionRequest {
            project_id: self.partition.project_id.clone(),
            database_id: self.partition.database_id.clone(),
            ..BeginTransactionRequest::default()
        };
        Ok(self
            .client
            .get()
            .begin_transaction(request)
            .await?
            .into_inner()
            .transaction)
    }

    /// The entities found under `keys` (at most 1,000), in no order.
    pub(crate) async fn lookup(
        &self,
        keys: Vec<Key>,
        transaction: Option<&TransactionId>,
    ) -> Result<Vec<Entity>, Error> {
        let mut found = Vec::with_capacity(keys.len());
        let mut wanted = keys;
        // Datastore may defer keys when an answer grows large; they are asked for again.
        while !wanted.is_empty() {
            let request = LookupRequest {
                project_id: self.partition.project_id.clone(),
                database_id: self.partition.database_id.clone(),
                read_options: read_options(transaction),
                keys: wanted,
                ..LookupRequest::default()
            };
            let response = self.client.get().lookup(request).await?.into_inner();
            found.extend(response.found.into_iter().filter_map(|result| result.entity));
            wanted = response.deferred;
        }
        Ok(found)
    }

    /// The entities that `query` finds, up to its limit.
    ///
    /// A server may end a batch early, so this goes on from the cursor until the server says
    /// that nothing is left.
    pub(crate) async fn run(&self, query: Query) -> Result<Vec<Entity>, Error> {
        let mut found = Vec::new();
        let mut query = query;
        loop {
            let request = RunQueryRequest {
                project_id: self.partition.project_id.clone(),
                database_id: self.partition.database_id.clone(),
                partition_id: Some(self.partition.clone()),
                query_type: Some(QueryType::Query(query.clone())),
                ..RunQueryRequest::default()
            };
            let batch = self
                .client
                .get()
                .run_query(request)
                .await?
                .into_inner()
                .batch
                .unwrap_or_default();
            let came = batch.entity_results.len();
            found.extend(
                batch
                    .entity_results
                    .into_iter()
                    .filter_map(|result| result.entity),
            );
            query.limit = query
                .limit
                .map(|limit| limit.saturating_sub(i32::try_from(came).unwrap_or(i32::MAX)));
            let goes_on = batch.more_results == MoreResultsType::NotFinished as i32;
            if !goes_on || query.limit.is_some_and(|limit| limit <= 0) {
                return Ok(found);
            }
            query.start_cursor = batch.end_cursor;
        }
    }

    /// For calls that have a file of their own.
    pub(crate) fn service(&self) -> DatastoreClient<GoogleAuthMiddleware> {
        self.client.get()
    }

    pub(crate) async fn commit(&self, within: Within, changes: Changes) -> Result<(), Error> {
        let service = self.client.get_with(|service| service);
        let answer = commit::send(service, &self.partition, &within, changes).await;
        let outcome = answer.map_err(Error::from);
        self.counter.count(&outcome);
        outcome
    }

    /// Ends a transaction without a change. One that cannot be told ends by itself.
    pub(crate) async fn roll_back(&self, transaction: TransactionId) {
        let request = RollbackRequest {
            project_id: self.partition.project_id.clone(),
            database_id: self.partition.database_id.clone(),
            transaction,
            ..RollbackRequest::default()
        };
        if let Err(error) = self.client.get().rollback(request).await {
            tracing::debug!(error = %error, "a rollback failed; the transaction ends by itself");
        }
    }
}

fn read_options(transaction: Option<&TransactionId>) -> Option<ReadOptions> {
    let transaction = transaction?.clone();
    Some(ReadOptions {
        consistency_type: Some(ConsistencyType::Transaction(transaction)),
    })
}

fn client(channel: GoogleAuthMiddleware) -> DatastoreClient<GoogleAuthMiddleware> {
    DatastoreClient::new(channel).max_decoding_message_size(MAX_RESPONSE_BYTES)
}
