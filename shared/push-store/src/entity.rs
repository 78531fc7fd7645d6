//! Entities that are written: their keys, and properties by name and type.
//!
//! Every property is excluded from indexes unless it is written with [`Properties::indexed`]:
//! an index entry costs a write in each transaction, so only what is queried has one.
//!
//! The numbers of fields are those of Datastore's messages `Entity`, `Key` and `Value`.

use campaign::{ChunkId, PushId};
use chrono::{DateTime, Utc};
use gcloud_sdk::google::datastore::v1::key::PathElement;
use gcloud_sdk::google::datastore::v1::key::path_element::IdType;
use gcloud_sdk::google::datastore::v1::{Key, PartitionId};
use uuid::Uuid;

use crate::fields::Fields;

/// The last second that Datastore's timestamps have, of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

pub(crate) const CHUNK: &str = "Chunk";
pub(crate) const PUSH: &str = "Push";

/// `Chunk/ChunkId`.
pub(crate) fn chunk_key(partition: &PartitionId, chunk: ChunkId) -> Key {
    key(partition, &[(CHUNK, chunk.0)])
}

/// `Chunk/ChunkId → Push/PushId`: a chunk and its pushes are one narrow key range.
pub(crate) fn push_key(partition: &PartitionId, chunk: ChunkId, push: PushId) -> Key {
    key(partition, &[(CHUNK, chunk.0), (PUSH, push.0)])
}

fn key(partition: &PartitionId, path: &[(&str, Uuid)]) -> Key {
    let elements = path.iter().map(|(kind, id)| PathElement {
        kind: (*kind).to_owned(),
        id_type: Some(IdType::Name(id.to_string())),
    });
    Key {
        partition_id: Some(partition.clone()),
        path: elements.collect(),
    }
}

/// An entity's properties; an absent value is left out.
#[derive(Debug)]
pub(crate) struct Properties<'a>(&'a mut Fields);

impl<'a> Properties<'a> {
    /// Of the entity `Chunk/ChunkId`, which `entity` is to become.
    pub(crate) fn of_chunk(entity: &'a mut Fields, partition: &PartitionId, chunk: ChunkId) -> Self {
        Self::of(entity, partition, &[(CHUNK, chunk.0)])
    }

    /// Of the entity `Chunk/ChunkId → Push/PushId`, which `entity` is to become.
    pub(crate) fn of_push(
        entity: &'a mut Fields,
        partition: &PartitionId,
        chunk: ChunkId,
        push: PushId,
    ) -> Self {
        Self::of(entity, partition, &[(CHUNK, chunk.0), (PUSH, push.0)])
    }

    fn of(entity: &'a mut Fields, partition: &PartitionId, path: &[(&str, Uuid)]) -> Self {
        entity.message(1, |key| write_key(key, partition, path));
        Self(entity)
    }

    pub(crate) fn text(self, name: &str, text: &str) -> Self {
        self.unindexed(name, |value| value.text(17, text))
    }

    /// As [`Properties::text`], of an id in its usual form.
    pub(crate) fn id(self, name: &str, id: Uuid) -> Self {
        self.text(name, id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }

    pub(crate) fn integer(self, name: &str, number: impl Into<i64>) -> Self {
        self.unindexed(name, |value| value.number(2, number.into()))
    }

    pub(crate) fn bytes(self, name: &str, bytes: &[u8]) -> Self {
        self.unindexed(name, |value| value.bytes(18, bytes))
    }

    /// An instant; one that Datastore's timestamps do not reach becomes their last second.
    pub(crate) fn instant(self, name: &str, at: DateTime<Utc>) -> Self {
        self.unindexed(name, |value| {
            value.message(10, |timestamp| {
                timestamp.number(1, at.timestamp().min(LAST_SECOND));
                timestamp.number(2, i64::from(at.timestamp_subsec_nanos()));
            });
        })
    }

    /// Properties of their own, which `write` writes.
    pub(crate) fn nested(self, name: &str, write: impl FnOnce(Properties<'_>) -> Properties<'_>) -> Self {
        self.unindexed(name, |value| {
            value.message(6, |entity| {
                write(Properties(entity));
            });
        })
    }

    /// A text that can be queried by; at most 1,500 bytes (Datastore's limit).
    pub(crate) fn indexed(self, name: &str, text: &str) -> Self {
        self.property(name, |value| value.text(17, text))
    }

    /// Applies `add` to a value that is there.
    pub(crate) fn maybe<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => add(self, value),
            None => self,
        }
    }

    fn unindexed(self, name: &str, write: impl FnOnce(&mut Fields)) -> Self {
        self.property(name, |value| {
            write(value);
            value.number(19, 1);
        })
    }

    fn property(self, name: &str, write: impl FnOnce(&mut Fields)) -> Self {
        self.0.message(3, |entry| {
            entry.text(1, name);
            entry.message(2, write);
        });
        self
    }
}

fn write_key(key: &mut Fields, partition: &PartitionId, path: &[(&str, Uuid)]) {
    key.message(1, |fields| {
        let names = [
            &partition.project_id,
            &partition.database_id,
            &partition.namespace_id,
        ];
        for (field, name) in (2..).zip(names).filter(|(_, name)| !name.is_empty()) {
            fields.text(field, name);
        }
    });
    for (kind, id) in path {
        key.message(2, |element| {
            element.text(1, kind);
            element.text(3, id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        });
    }
}
