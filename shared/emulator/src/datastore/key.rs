//! Keys: from the wire to the place of an entity, and back.

use std::sync::Arc;

use gcloud_sdk::google::datastore::v1 as wire;
use wire::key::PathElement;
use wire::key::path_element::IdType;

use super::catalog::{Catalog, Partition, Table, TableId};
use super::encoding::path;
use super::error::Error;

/// Longest kind, key name and indexed string or blob: 1,500 bytes, as in production.
pub(crate) const MAX_NAME_BYTES: usize = 1_500;
/// Most elements of a key path, as in production.
const MAX_DEPTH: usize = 100;

/// The place of an entity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) table: TableId,
    pub(crate) path: Arc<[u8]>,
}

/// Which keys a request may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completeness {
    /// With an id or a name at the end.
    Complete,
    /// Without, for an id to be allocated.
    Incomplete,
    /// Either.
    Any,
}

/// The database that a request addresses; every key in it must agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) project: String,
    pub(crate) database: String,
}

impl Scope {
    /// The scope of a request. An empty project is refused.
    pub(crate) fn new(project: String, database: String) -> Result<Self, Error> {
        if project.is_empty() {
            return Err(Error::invalid("The project id is the empty string."));
        }
        Ok(Self { project, database })
    }

    /// The partition of a key or query; what it leaves out is the scope's.
    pub(crate) fn partition(&self, named: Option<&wire::PartitionId>) -> Result<Partition, Error> {
        let namespace = named.map(|named| named.namespace_id.clone()).unwrap_or_default();
        if let Some(named) = named {
            let project_fits = named.project_id.is_empty() || named.project_id == self.project;
            let database_fits = named.database_id.is_empty() || named.database_id == self.database;
            if !project_fits || !database_fits {
                return Err(Error::invalid(format!(
                    "mismatched databases within request: {}~{} vs. {}~{}",
                    self.project, self.database, named.project_id, named.database_id
                )));
            }
        }
        Ok(Partition {
            project: self.project.clone(),
            database: self.database.clone(),
            namespace,
        })
    }
}

/// Finds the places of keys. Keys that follow each other mostly name the same table.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    scope: &'a Scope,
    catalog: &'a Catalog,
    last: Option<(Option<wire::PartitionId>, Arc<Table>)>,
}

impl<'a> Places<'a> {
    /// The places of one request's keys.
    pub(crate) fn new(scope: &'a Scope, catalog: &'a Catalog) -> Self {
        Self {
            scope,
            catalog,
            last: None,
        }
    }

    /// The place of a complete key, whose path was checked.
    pub(crate) fn find(&mut self, key: &wire::Key) -> Result<(Arc<Table>, Key), Error> {
        let kind = key.path.last().map_or("", |last| &last.kind);
        let table = match &self.last {
            Some((partition, table)) if *partition == key.partition_id && table.kind == kind => table.clone(),
            Some(_) | None => {
                let partition = self.scope.partition(key.partition_id.as_ref())?;
                let table = self.catalog.table(&partition, kind);
                self.last = Some((key.partition_id.clone(), table.clone()));
                table
            }
        };
        let key = Key {
            table: table.id,
            path: encode_path(&key.path).into(),
        };
        Ok((table, key))
    }
}

impl Partition {
    /// The partition as a client sees it.
    pub(crate) fn to_wire(&self) -> wire::PartitionId {
        wire::PartitionId {
            project_id: self.project.clone(),
            database_id: self.database.clone(),
            namespace_id: self.namespace.clone(),
        }
    }
}

/// Checks the path of a key: its depth, kinds, ids and names.
pub(crate) fn check_path(path: &[PathElement], completeness: Completeness) -> Result<(), Error> {
    let Some((last, parents)) = path.split_last() else {
        return Err(Error::invalid("The key path is empty."));
    };
    if path.len() > MAX_DEPTH {
        return Err(Error::invalid("The key path has more than 100 elements."));
    }
    for element in path {
        check_element(element)?;
    }
    let complete = last.id_type.is_some();
    if parents.iter().any(|element| element.id_type.is_none())
        || (!complete && completeness == Completeness::Complete)
    {
        let path = describe_path(path);
        return Err(Error::invalid(format!(
            "Key path element must not be incomplete: [{path}]"
        )));
    }
    if complete && completeness == Completeness::Incomplete {
        let path = describe_path(path);
        return Err(Error::invalid(format!(
            "Key path element must not be complete: [{path}]"
        )));
    }
    Ok(())
}

/// The encoding of a complete path.
pub(crate) fn encode_path(path: &[PathElement]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(path.len() * 48);
    for element in path {
        if let Some(id) = &element.id_type {
            path::push_element(&mut encoded, &element.kind, id);
        }
    }
    encoded
}

/// The key of a path as a client sees it.
pub(crate) fn to_wire(partition: &Partition, path: &[u8]) -> wire::Key {
    wire::Key {
        partition_id: Some(partition.to_wire()),
        path: path::elements(path).expect("only encoded paths are stored"),
    }
}

/// A key in words, for an error.
pub(crate) fn describe(table: &Table, path: &[u8]) -> String {
    let path = path::elements(path).unwrap_or_default();
    format!("project {}, [{}]", table.partition.project, describe_path(&path))
}

fn check_element(element: &PathElement) -> Result<(), Error> {
    let kind = &element.kind;
    if kind.is_empty() {
        return Err(Error::invalid("The kind is the empty string."));
    }
    if kind.len() > MAX_NAME_BYTES {
        return Err(Error::invalid("The kind is longer than 1500 bytes."));
    }
    if is_reserved(kind) {
        return Err(Error::invalid(format!("The kind \"{kind}\" is reserved.")));
    }
    match &element.id_type {
        Some(IdType::Id(0)) => Err(Error::invalid("Key path id is invalid. Must not be zero.")),
        Some(IdType::Name(name)) if name.is_empty() => {
            Err(Error::invalid("The key path element name is the empty string."))
        }
        Some(IdType::Name(name)) if name.len() > MAX_NAME_BYTES => Err(Error::invalid(
            "The key path element name is longer than 1500 bytes.",
        )),
        Some(IdType::Id(_) | IdType::Name(_)) | None => Ok(()),
    }
}

/// Whether Datastore keeps a name for itself: `__…__`.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.len() >= 4 && name.starts_with("__") && name.ends_with("__")
}

fn describe_path(path: &[PathElement]) -> String {
    let elements = path.iter().map(|element| match &element.id_type {
        Some(IdType::Id(id)) => format!("{}: {id}", element.kind),
        Some(IdType::Name(name)) => format!("{}: {name}", element.kind),
        None => format!("{}: ", element.kind),
    });
    elements.collect::<Vec<_>>().join(", ")
}
