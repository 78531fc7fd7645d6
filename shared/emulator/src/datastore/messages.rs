//! Messages that Datastore's clients send and receive, in a cheaper shape than the generated.
//!
//! The bytes on the wire are the same. Properties are a list here instead of a hash map, and a
//! stored entity goes into an answer as the bytes it is stored as, without being read.

use bytes::Bytes;
use gcloud_sdk::google::datastore::v1 as wire;
use prost::Message;
use prost_types::Timestamp;

use super::encoding::value::timestamp;
use super::engine::Record;

/// One property; the wire's map entry.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Property {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, required, tag = "2")]
    pub(crate) value: wire::Value,
}

/// An entity as it is sent.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Entity {
    #[prost(message, optional, tag = "1")]
    pub(crate) key: Option<wire::Key>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) properties: Vec<Property>,
}

/// An entity as it is stored: without its key.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Properties {
    #[prost(message, repeated, tag = "3")]
    pub(crate) list: Vec<Property>,
}

/// An entity as it is stored, with its values unread.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct UnreadProperties {
    #[prost(message, repeated, tag = "3")]
    pub(crate) list: Vec<UnreadProperty>,
}

/// One property, with its value unread.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct UnreadProperty {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) value: Bytes,
}

/// What has to be read of a value to know whether indexes hold it.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Exclusion {
    #[prost(bool, tag = "19")]
    pub(crate) exclude_from_indexes: bool,
}

/// A result whose entity is already encoded.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EntityResult {
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub(crate) entity: Option<Bytes>,
    #[prost(int64, tag = "4")]
    pub(crate) version: i64,
    #[prost(message, optional, tag = "6")]
    pub(crate) create_time: Option<Timestamp>,
    #[prost(message, optional, tag = "5")]
    pub(crate) update_time: Option<Timestamp>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) cursor: Vec<u8>,
}

impl EntityResult {
    /// A stored entity under its key.
    pub(crate) fn found(key: &wire::Key, record: &Record) -> Self {
        Self::stamped(join(key, &record.properties), record)
    }

    /// An entity put together for the answer.
    pub(crate) fn projected(entity: &Entity, record: &Record) -> Self {
        Self::stamped(entity.encode_to_vec(), record)
    }

    /// The answer for a key without an entity.
    pub(crate) fn missing(key: &wire::Key) -> Self {
        Self {
            entity: Some(join(key, &[]).into()),
            ..Self::default()
        }
    }

    fn stamped(entity: Vec<u8>, record: &Record) -> Self {
        Self {
            entity: Some(entity.into()),
            version: record.version,
            create_time: Some(timestamp(record.created)),
            update_time: Some(timestamp(record.version)),
            cursor: Vec::new(),
        }
    }
}

/// An encoded entity: encoded messages one behind the other are the encoding of their union.
fn join(key: &wire::Key, properties: &[u8]) -> Vec<u8> {
    let entity = wire::Entity {
        key: Some(key.clone()),
        ..wire::Entity::default()
    };
    let mut encoded = Vec::with_capacity(entity.encoded_len() + properties.len());
    entity.encode(&mut encoded).expect("a vector grows");
    encoded.extend_from_slice(properties);
    encoded
}

/// The answer of Lookup.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct LookupResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) found: Vec<EntityResult>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) missing: Vec<EntityResult>,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) transaction: Vec<u8>,
    #[prost(message, optional, tag = "7")]
    pub(crate) read_time: Option<Timestamp>,
}

/// A page of results of RunQuery.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryResultBatch {
    #[prost(int32, tag = "6")]
    pub(crate) skipped_results: i32,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) skipped_cursor: Vec<u8>,
    #[prost(enumeration = "wire::entity_result::ResultType", tag = "1")]
    pub(crate) entity_result_type: i32,
    #[prost(message, repeated, tag = "2")]
    pub(crate) entity_results: Vec<EntityResult>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) end_cursor: Vec<u8>,
    #[prost(enumeration = "wire::query_result_batch::MoreResultsType", tag = "5")]
    pub(crate) more_results: i32,
    #[prost(int64, tag = "7")]
    pub(crate) snapshot_version: i64,
    #[prost(message, optional, tag = "8")]
    pub(crate) read_time: Option<Timestamp>,
}

/// The answer of RunQuery.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RunQueryResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) batch: Option<QueryResultBatch>,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) transaction: Vec<u8>,
}

/// A commit.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CommitRequest {
    #[prost(string, tag = "8")]
    pub(crate) project_id: String,
    #[prost(string, tag = "9")]
    pub(crate) database_id: String,
    #[prost(enumeration = "wire::commit_request::Mode", tag = "5")]
    pub(crate) mode: i32,
    #[prost(message, repeated, tag = "6")]
    pub(crate) mutations: Vec<Mutation>,
    #[prost(oneof = "wire::commit_request::TransactionSelector", tags = "1, 10")]
    pub(crate) transaction_selector: Option<wire::commit_request::TransactionSelector>,
}

/// A change to one entity.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Mutation {
    #[prost(enumeration = "wire::mutation::ConflictResolutionStrategy", tag = "10")]
    pub(crate) conflict_resolution_strategy: i32,
    #[prost(message, optional, tag = "9")]
    pub(crate) property_mask: Option<wire::PropertyMask>,
    #[prost(message, repeated, tag = "12")]
    pub(crate) property_transforms: Vec<wire::PropertyTransform>,
    #[prost(oneof = "Operation", tags = "4, 5, 6, 7")]
    pub(crate) operation: Option<Operation>,
    #[prost(oneof = "wire::mutation::ConflictDetectionStrategy", tags = "8, 11")]
    pub(crate) conflict_detection_strategy: Option<wire::mutation::ConflictDetectionStrategy>,
}

/// What a mutation does.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Operation {
    #[prost(message, tag = "4")]
    Insert(Entity),
    #[prost(message, tag = "5")]
    Update(Entity),
    #[prost(message, tag = "6")]
    Upsert(Entity),
    #[prost(message, tag = "7")]
    Delete(wire::Key),
}
