//! Datastore past the program: entities taken away and put there by other hands.

use campaign::{ChunkId, PushId};
use gcloud_sdk::google::datastore::v1::commit_request::Mode;
use gcloud_sdk::google::datastore::v1::datastore_client::DatastoreClient;
use gcloud_sdk::google::datastore::v1::key::PathElement;
use gcloud_sdk::google::datastore::v1::key::path_element::IdType;
use gcloud_sdk::google::datastore::v1::mutation::Operation;
use gcloud_sdk::google::datastore::v1::{CommitRequest, Entity, Key, LookupRequest, Mutation, PartitionId};
use gcloud_sdk::google_cloud_auth::credentials::anonymous;
use gcloud_sdk::{GoogleApi, GoogleAuthMiddleware};
use runtime::config::Datastore;
use uuid::Uuid;

/// A client of its own.
pub struct Entities {
    client: GoogleApi<DatastoreClient<GoogleAuthMiddleware>>,
    partition: PartitionId,
}

impl std::fmt::Debug for Entities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entities").finish_non_exhaustive()
    }
}

impl Entities {
    /// Connects to an emulator, as the part that the settings name.
    pub(super) async fn connect(endpoint: &str, settings: &Datastore) -> Self {
        let anonymous = anonymous::Builder::new().build();
        let client =
            GoogleApi::from_function_with_credentials(DatastoreClient::new, endpoint, None, anonymous).await;
        Self {
            client: client.expect("Datastore can be connected to"),
            partition: PartitionId {
                project_id: settings.project.clone(),
                database_id: settings.database.clone(),
                namespace_id: settings.namespace.clone(),
            },
        }
    }

    /// The key of a marker.
    pub fn marker(&self, chunk: ChunkId) -> Key {
        Key {
            partition_id: Some(self.partition.clone()),
            path: vec![element("Chunk", chunk.0)],
        }
    }

    /// The key of a push.
    pub fn push(&self, chunk: ChunkId, push: PushId) -> Key {
        let mut key = self.marker(chunk);
        key.path.push(element("Push", push.0));
        key
    }

    /// Reads an entity.
    ///
    /// # Panics
    /// If there is none.
    pub async fn read(&self, key: &Key) -> Entity {
        let request = LookupRequest {
            project_id: self.partition.project_id.clone(),
            database_id: self.partition.database_id.clone(),
            keys: vec![key.clone()],
            ..LookupRequest::default()
        };
        let answer = self
            .client
            .get()
            .lookup(request)
            .await
            .expect("Datastore answers");
        let found = answer.into_inner().found.into_iter().next();
        found.and_then(|found| found.entity).expect("the entity is there")
    }

    /// Deletes an entity, and says what it was.
    pub async fn take(&self, key: &Key) -> Entity {
        let entity = self.read(key).await;
        self.commit(Operation::Delete(key.clone())).await;
        entity
    }

    /// Puts an entity there, in the place of whatever is.
    pub async fn put(&self, entity: Entity) {
        self.commit(Operation::Upsert(entity)).await;
    }

    async fn commit(&self, operation: Operation) {
        let request = CommitRequest {
            project_id: self.partition.project_id.clone(),
            database_id: self.partition.database_id.clone(),
            mode: Mode::NonTransactional as i32,
            mutations: vec![Mutation {
                operation: Some(operation),
                ..Mutation::default()
            }],
            ..CommitRequest::default()
        };
        self.client
            .get()
            .commit(request)
            .await
            .expect("Datastore commits");
    }
}

fn element(kind: &str, id: Uuid) -> PathElement {
    PathElement {
        kind: kind.to_owned(),
        id_type: Some(IdType::Name(id.to_string())),
    }
}
