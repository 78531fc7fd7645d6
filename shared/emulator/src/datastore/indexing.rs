//! Which index entries an entity has.
//!
//! A value that is excluded from indexes is in none, neither its property's nor a composite
//! one. An array has an entry for each different element; an embedded entity has those of its
//! own properties, under `outer.inner`. Kinds need no index: a table is sorted by key.

use std::collections::BTreeMap;

use gcloud_sdk::google::datastore::v1::value::ValueType;

use super::catalog::{Catalog, Composite, IndexId, Table};
use super::encoding::path::{ancestor_lengths, descending, push_descending};
use super::encoding::value::{Direction, push_value, value_length};
use super::error::Error;
use super::key::MAX_NAME_BYTES;
use super::messages::Property;

/// Most index entries an entity may have, as in production.
const MAX_ENTRIES: usize = 20_000;

/// One entry of one index.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) index: IndexId,
    pub(crate) bytes: Box<[u8]>,
}

/// The indexed values of an entity, by property.
pub(crate) type Indexed<'a> = BTreeMap<String, Vec<&'a ValueType>>;

/// The values of an entity that indexes may hold.
pub(crate) fn indexed(properties: &[Property]) -> Indexed<'_> {
    let mut indexed = Indexed::new();
    for property in properties {
        collect(&mut indexed, &property.name, &property.value);
    }
    indexed
}

/// Every index entry of an entity, sorted, each once.
pub(crate) fn entries(
    catalog: &Catalog,
    table: &Table,
    properties: &[Property],
    path: &[u8],
) -> Result<Vec<Entry>, Error> {
    let indexed = indexed(properties);
    let mut entries = Vec::new();
    for (name, values) in &indexed {
        let index = catalog.property_index(table, name);
        for value in values {
            check_length(name, value)?;
            let mut bytes = Vec::with_capacity(48 + path.len());
            push_value(&mut bytes, value, Direction::Ascending);
            bytes.extend_from_slice(path);
            entries.push(Entry {
                index,
                bytes: bytes.into(),
            });
        }
    }
    for composite in &table.composites {
        push_composite(&mut entries, composite, &indexed, path)?;
    }
    check_count(entries.len())?;
    entries.sort_unstable();
    entries.dedup();
    Ok(entries)
}

/// Appends the path of an entry whose last property has that direction: equal values come in
/// the order of the property before them.
pub(crate) fn push_path(out: &mut Vec<u8>, path: &[u8], direction: Direction) {
    match direction {
        Direction::Ascending => out.extend_from_slice(path),
        Direction::Descending => push_descending(out, path),
    }
}

fn collect<'a>(indexed: &mut Indexed<'a>, name: &str, value: &'a gcloud_sdk::google::datastore::v1::Value) {
    if value.exclude_from_indexes {
        return;
    }
    match &value.value_type {
        None => {}
        Some(ValueType::ArrayValue(array)) => {
            for element in &array.values {
                collect(indexed, name, element);
            }
        }
        Some(ValueType::EntityValue(entity)) => {
            for (inner, value) in &entity.properties {
                collect(indexed, &format!("{name}.{inner}"), value);
            }
        }
        Some(plain) => match indexed.get_mut(name) {
            Some(values) => values.push(plain),
            None => {
                indexed.insert(name.to_owned(), vec![plain]);
            }
        },
    }
}

fn push_composite(
    entries: &mut Vec<Entry>,
    composite: &Composite,
    indexed: &Indexed<'_>,
    path: &[u8],
) -> Result<(), Error> {
    let mut rows = if composite.definition.ancestor {
        let ancestors = ancestor_lengths(path);
        ancestors
            .into_iter()
            .map(|length| ancestor_prefix(&path[..length]))
            .collect()
    } else {
        vec![Vec::new()]
    };
    for (property, direction) in &composite.definition.properties {
        let Some(values) = indexed.get(property) else {
            return Ok(());
        };
        check_count(rows.len() * values.len())?;
        let mut longer = Vec::with_capacity(rows.len() * values.len());
        for row in &rows {
            for value in values {
                let mut row = row.clone();
                push_value(&mut row, value, *direction);
                longer.push(row);
            }
        }
        rows = longer;
    }
    let last = composite.definition.properties.last();
    let direction = last.map_or(Direction::Ascending, |(_, direction)| *direction);
    entries.extend(rows.into_iter().map(|mut row| {
        push_path(&mut row, path, direction);
        Entry {
            index: composite.id,
            bytes: row.into(),
        }
    }));
    Ok(())
}

/// The beginning of the entries below an ancestor, in an index for ancestor queries.
pub(crate) fn ancestor_prefix(path: &[u8]) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(path.len() + 8);
    super::encoding::bytes::push_bytes(&mut prefix, path);
    prefix
}

fn check_length(name: &str, value: &ValueType) -> Result<(), Error> {
    let length = match value {
        ValueType::StringValue(text) => text.len(),
        ValueType::BlobValue(bytes) => bytes.len(),
        _ => 0,
    };
    if length > MAX_NAME_BYTES {
        return Err(Error::invalid(format!(
            "The value of property \"{name}\" is longer than 1500 bytes."
        )));
    }
    Ok(())
}

fn check_count(entries: usize) -> Result<(), Error> {
    if entries > MAX_ENTRIES {
        return Err(Error::invalid("Too many indexed properties."));
    }
    Ok(())
}

/// How the entries of a source are put together, as far as it takes to find the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A table's: the path.
    Path,
    /// An index's: an ancestor if it is for ancestor queries, the values, the path in the
    /// direction of the last value.
    Values {
        ancestor: bool,
        directions: Vec<Direction>,
    },
}

impl Shape {
    /// The path of the entity that an entry belongs to. `None`: not an entry of this shape.
    pub(crate) fn path(&self, entry: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Path => Some(entry.to_vec()),
            Self::Values { ancestor, directions } => {
                let values = if *ancestor {
                    super::encoding::bytes::split_bytes(entry)?.1
                } else {
                    entry
                };
                position_path(values, directions)
            }
        }
    }
}

/// The path behind the values of those directions.
pub(crate) fn position_path(values: &[u8], directions: &[Direction]) -> Option<Vec<u8>> {
    let mut rest = values;
    for direction in directions {
        rest = &rest[value_length(rest, *direction)?..];
    }
    match directions.last() {
        Some(Direction::Descending) => descending(rest),
        Some(Direction::Ascending) | None => Some(rest.to_vec()),
    }
}
