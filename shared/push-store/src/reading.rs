//! Entities that are read: properties by name and type.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use gcloud_sdk::google::datastore::v1::key::PathElement;
use gcloud_sdk::google::datastore::v1::key::path_element::IdType;
use gcloud_sdk::google::datastore::v1::value::ValueType;
use gcloud_sdk::google::datastore::v1::{Entity, Key, Value};
use uuid::Uuid;

use crate::error::Error;

/// The id that the key's path holds at `depth`.
pub(crate) fn id_at(key: &Key, depth: usize) -> Option<Uuid> {
    match key.path.get(depth)?.id_type.as_ref()? {
        IdType::Name(name) => name.parse().ok(),
        IdType::Id(_) => None,
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
