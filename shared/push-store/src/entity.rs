//! Entities as maps of typed properties, and their keys.
//!
//! Every property is excluded from indexes unless it is written with [`Properties::indexed`]:
//! an index entry costs a write in each transaction, so only what is queried has one.

use std::collections::HashMap;

use campaign::{ChunkId, PushId};
use chrono::{DateTime, Utc};
use gcloud_sdk::google::datastore::v1::key::PathElement;
use gcloud_sdk::google::datastore::v1::key::path_element::IdType;
use gcloud_sdk::google::datastore::v1::value::ValueType;
use gcloud_sdk::google::datastore::v1::{Entity, Key, PartitionId, Value};
use gcloud_sdk::prost_types::Timestamp;
use uuid::Uuid;

use crate::error::Error;

/// The last second that Datastore's timestamps have, of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

pub(crate) const CHUNK: &str = "Chunk";
pub(crate) const PUSH: &str = "Push";

/// `Chunk/ChunkId`.
pub(crate) fn chunk_key(partition: &PartitionId, chunk: ChunkId) -> Key {
    Key {
        partition_id: Some(partition.clone()),
        path: vec![element(CHUNK, chunk.0)],
    }
}

/// `Chunk/ChunkId → Push/PushId`: a chunk and its pushes are one narrow key range.
pub(crate) fn push_key(partition: &PartitionId, chunk: ChunkId, push: PushId) -> Key {
    let path = vec![element(CHUNK, chunk.0), element(PUSH, push.0)];
    Key {
        partition_id: Some(partition.clone()),
        path,
    }
}

fn element(kind: &str, id: Uuid) -> PathElement {
    PathElement {
        kind: kind.to_owned(),
        id_type: Some(IdType::Name(id.to_string())),
    }
}

/// The id that the key's path holds at `depth`.
pub(crate) fn id_at(key: &Key, depth: usize) -> Option<Uuid> {
    match key.path.get(depth)?.id_type.as_ref()? {
        IdType::Name(name) => name.parse().ok(),
        IdType::Id(_) => None,
    }
}

/// Builds an entity's properties; an absent value is left out.
#[derive(Debug, Default)]
pub(crate) struct Properties(HashMap<String, Value>);

impl Properties {
    pub(crate) fn text(self, name: &str, text: impl Into<String>) -> Self {
        self.unindexed(name, ValueType::StringValue(text.into()))
    }

    pub(crate) fn integer(self, name: &str, number: impl Into<i64>) -> Self {
        self.unindexed(name, ValueType::IntegerValue(number.into()))
    }

    pub(crate) fn bytes(self, name: &str, bytes: &[u8]) -> Self {
        self.unindexed(name, ValueType::BlobValue(bytes.to_vec()))
    }

    /// An instant; one that Datastore's timestamps do not reach becomes their last second.
    pub(crate) fn instant(self, name: &str, at: DateTime<Utc>) -> Self {
        let timestamp = Timestamp {
            seconds: at.timestamp().min(LAST_SECOND),
            nanos: at.timestamp_subsec_nanos().cast_signed(),
        };
        self.unindexed(name, ValueType::TimestampValue(timestamp))
    }

    pub(crate) fn nested(self, name: &str, properties: Self) -> Self {
        let entity = Entity {
            key: None,
            properties: properties.0,
        };
        self.unindexed(name, ValueType::EntityValue(entity))
    }

    /// A text that can be queried by; at most 1,500 bytes (Datastore's limit).
    pub(crate) fn indexed(mut self, name: &str, text: impl Into<String>) -> Self {
        let value = Value {
            value_type: Some(ValueType::StringValue(text.into())),
            ..Value::default()
        };
        self.0.insert(name.to_owned(), value);
        self
    }

    /// Applies `add` to a value that is there.
    pub(crate) fn maybe<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => add(self, value),
            None => self,
        }
    }

    pub(crate) fn into_entity(self, key: Key) -> Entity {
        Entity {
            key: Some(key),
            properties: self.0,
        }
    }

    fn unindexed(mut self, name: &str, value: ValueType) -> Self {
        let value = Value {
            exclude_from_indexes: true,
            value_type: Some(value),
            ..Value::default()
        };
        self.0.insert(name.to_owned(), value);
        self
    }
}

/// Takes an entity's properties out by name and type.
pub(crate) struct Reading {
    kind: &'static str,
    key: Key,
    properties: HashMap<String, Value>,
}

impl Reading {
    pub(crate) fn of(kind: &'static str, entity: Entity) -> Self {
        Self {
            kind,
            key: entity.key.unwrap_or_default(),
            properties: entity.properties,
        }
    }

    pub(crate) fn id_at(&self, depth: usize) -> Result<Uuid, Error> {
        id_at(&self.key, depth).ok_or_else(|| self.malformed("__key__"))
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Result<String, Error> {
        self.find_text(name).ok_or_else(|| self.malformed(name))
    }

    pub(crate) fn find_text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            ValueType::StringValue(text) => Some(text),
            _ => None,
        }
    }

    /// A text that `parse` understands.
    pub(crate) fn parsed<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let text = self.text(name)?;
        parse(&text).ok_or_else(|| self.malformed(name))
    }

    /// A number that fits `T`.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self, name: &'static str) -> Result<T, Error> {
        match self.take(name) {
            Some(ValueType::IntegerValue(number)) => T::try_from(number).map_err(|_| self.malformed(name)),
            _ => Err(self.malformed(name)),
        }
    }

    pub(crate) fn bytes(&mut self, name: &'static str) -> Result<Vec<u8>, Error> {
        match self.take(name) {
            Some(ValueType::BlobValue(bytes)) => Ok(bytes),
            _ => Err(self.malformed(name)),
        }
    }

    pub(crate) fn instant(&mut self, name: &'static str) -> Result<DateTime<Utc>, Error> {
        self.find_instant(name)?.ok_or_else(|| self.malformed(name))
    }

    pub(crate) fn find_instant(&mut self, name: &'static str) -> Result<Option<DateTime<Utc>>, Error> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let ValueType::TimestampValue(at) = value else {
            return Err(self.malformed(name));
        };
        let nanos = u32::try_from(at.nanos).map_err(|_| self.malformed(name))?;
        DateTime::from_timestamp(at.seconds, nanos)
            .map(Some)
            .ok_or_else(|| self.malformed(name))
    }

    /// The properties of a nested entity; none where it is absent.
    pub(crate) fn nested(&mut self, name: &str) -> HashMap<String, Value> {
        match self.take(name) {
            Some(ValueType::EntityValue(entity)) => entity.properties,
            _ => HashMap::new(),
        }
    }

    pub(crate) fn malformed(&self, property: &'static str) -> Error {
        let key = self.key.path.iter().map(name_of).collect::<Vec<_>>().join("/");
        Error::Malformed {
            kind: self.kind,
            key,
            property,
        }
    }

    fn take(&mut self, name: &str) -> Option<ValueType> {
        self.properties.remove(name)?.value_type
    }
}

fn name_of(element: &PathElement) -> String {
    match &element.id_type {
        Some(IdType::Name(name)) => name.clone(),
        Some(IdType::Id(id)) => id.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_beyond_datastores_last_is_stored_as_that() {
        let properties = Properties::default().instant("at", DateTime::<Utc>::MAX_UTC);

        let mut reading = Reading::of(CHUNK, properties.into_entity(Key::default()));

        let stored = reading.instant("at").unwrap();
        assert_eq!(stored.timestamp(), LAST_SECOND);
        assert_eq!(stored.format("%Y").to_string(), "9999");
    }
}
