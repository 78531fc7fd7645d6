//! What one mutation does to one entity.
//!
//! A mutation is made ready without looking at the database: checked, encoded, its index
//! entries computed. [`Write::decide`] then is a pure function of the write and the entity that
//! is there.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use gcloud_sdk::google::datastore::v1 as wire;
use prost::Message;

use super::catalog::{Catalog, Table};
use super::engine::Record;
use super::error::Error;
use super::indexing::{self, Entry};
use super::key::{self, Key};
use super::messages::{Exclusion, Properties, Property, UnreadProperties};

/// A mutation, ready to be applied.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) table: Arc<Table>,
    pub(crate) key: Key,
    pub(crate) effect: Effect,
    pub(crate) condition: Condition,
}

/// What a write does.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Writes the entity as given.
    Put(Existence, Content),
    /// Writes the masked properties and keeps the others.
    Merge(Existence, Vec<Property>, Vec<String>),
    /// Deletes it; without an entity, nothing.
    Delete,
}

/// The word for what a mutation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Insert,
    Update,
    Upsert,
    Delete,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
        })
    }
}

impl Effect {
    /// The word for it.
    pub(crate) fn verb(&self) -> Verb {
        match self {
            Self::Put(existence, _) | Self::Merge(existence, _, _) => match existence {
                Existence::Absent => Verb::Insert,
                Existence::Present => Verb::Update,
                Existence::Any => Verb::Upsert,
            },
            Self::Delete => Verb::Delete,
        }
    }
}

/// What must be there for a write to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existence {
    /// An upsert does not mind.
    Any,
    /// An insert needs the place free.
    Absent,
    /// An update needs an entity.
    Present,
}

/// Which version must be there for a write to be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Any.
    None,
    /// That one, 0 for no entity; else the stored entity stays and the write reports a conflict.
    KeepUnless(i64),
    /// That one; else the commit fails.
    FailUnless(i64),
}

/// An entity as it is stored.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) properties: Arc<[u8]>,
    pub(crate) entries: Vec<Entry>,
}

/// What a write comes to, given what is there.
#[derive(Debug)]
pub(crate) enum Decision {
    /// Nothing changes: the same content is there, or there is nothing to delete.
    Stay,
    /// Nothing changes, because another version is there than the condition names.
    Conflict,
    /// The entity is written.
    Put(Content),
    /// The entity is deleted.
    Delete,
}

impl Content {
    /// Checks and encodes an entity's properties.
    pub(crate) fn new(
        catalog: &Catalog,
        table: &Table,
        path: &[u8],
        mut list: Vec<Property>,
    ) -> Result<Self, Error> {
        for property in &list {
            if property.name.is_empty() {
                return Err(Error::invalid("The property.name is the empty string."));
            }
            if key::is_reserved(&property.name) {
                return Err(Error::invalid(format!(
                    "The property.name \"{}\" is reserved.",
                    property.name
                )));
            }
        }
        list.sort_by(|a, b| a.name.cmp(&b.name));
        let entries = indexing::entries(catalog, table, &list, path)?;
        let properties = Properties { list }.encode_to_vec();
        super::limits::check_entity(path.len() + properties.len())?;
        Ok(Self {
            properties: properties.into(),
            entries,
        })
    }
}

impl Write {
    /// The bytes that the write counts for in a transaction.
    pub(crate) fn size(&self) -> usize {
        let content = match &self.effect {
            Effect::Put(_, content) => content.properties.len(),
            Effect::Merge(_, properties, _) => properties.iter().map(Message::encoded_len).sum(),
            Effect::Delete => 0,
        };
        self.key.path.len() + content
    }

    /// What the write comes to when `current` is there.
    pub(crate) fn decide(self, catalog: &Catalog, current: Option<&Record>) -> Result<Decision, Error> {
        let stored = current.map_or(0, |record| record.version);
        match self.condition {
            Condition::None => {}
            Condition::KeepUnless(base) if base == stored => {}
            Condition::FailUnless(base) if base == stored => {}
            Condition::KeepUnless(_) => return Ok(Decision::Conflict),
            Condition::FailUnless(base) => {
                return Err(Error::Precondition(format!(
                    "the stored version ({stored}) does not match the required base version ({base})"
                )));
            }
        }
        let content = match self.effect {
            Effect::Delete if current.is_none() => return Ok(Decision::Stay),
            Effect::Delete => return Ok(Decision::Delete),
            Effect::Put(existence, content) => {
                check_existence(existence, current, &self.table, &self.key)?;
                content
            }
            Effect::Merge(existence, given, mask) => {
                check_existence(existence, current, &self.table, &self.key)?;
                let merged = merge(current, given, &mask);
                Content::new(catalog, &self.table, &self.key.path, merged)?
            }
        };
        if current.is_some_and(|record| record.properties == content.properties) {
            return Ok(Decision::Stay);
        }
        Ok(Decision::Put(content))
    }
}

impl Record {
    /// The properties, sorted by name.
    pub(crate) fn properties(&self) -> Vec<Property> {
        let properties = Properties::decode(&*self.properties);
        properties.expect("only encoded properties are stored").list
    }

    /// The properties that indexes may hold, sorted by name. The others, which are most of the
    /// bytes of many an entity, are passed over unread.
    pub(crate) fn indexable_properties(&self) -> Vec<Property> {
        let stored = Bytes::from_owner(self.properties.clone());
        let unread = UnreadProperties::decode(stored).expect("only encoded properties are stored");
        let indexable = unread.list.into_iter().filter(|property| {
            let exclusion = Exclusion::decode(property.value.clone());
            exclusion.is_ok_and(|exclusion| !exclusion.exclude_from_indexes)
        });
        let read = indexable.map(|property| Property {
            name: property.name,
            value: wire::Value::decode(property.value).expect("only encoded values are stored"),
        });
        read.collect()
    }
}

fn check_existence(
    existence: Existence,
    current: Option<&Record>,
    table: &Table,
    key: &Key,
) -> Result<(), Error> {
    match (existence, current) {
        (Existence::Absent, Some(_)) => Err(Error::AlreadyExists(key::describe(table, &key.path))),
        (Existence::Present, None) => Err(Error::NotFound(key::describe(table, &key.path))),
        (Existence::Any, _) | (Existence::Absent, None) | (Existence::Present, Some(_)) => Ok(()),
    }
}

/// Masked properties are as given, or gone where they are not given; the others are as stored.
fn merge(current: Option<&Record>, given: Vec<Property>, mask: &[String]) -> Vec<Property> {
    let stored = current.map(Record::properties).unwrap_or_default();
    let is_masked = |property: &Property| mask.contains(&property.name);
    let kept = stored.into_iter().filter(|property| !is_masked(property));
    kept.chain(given.into_iter().filter(is_masked)).collect()
}
