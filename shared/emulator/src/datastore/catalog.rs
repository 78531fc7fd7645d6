//! Short numbers for long names.
//!
//! A table is the entities of one kind in one partition (project, database, namespace); an
//! index is one property of a table, or one declared composite index. Engines know both by
//! number. A number, once given, stands for its name for ever; new names are handed to the
//! engine through [`Catalog::take_unsaved`] before anything is stored under them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::config::CompositeIndex;

/// The number of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TableId(pub(crate) u32);

/// The number of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct IndexId(pub(crate) u32);

/// Project, database and namespace: entities of different partitions never meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Partition {
    pub(crate) project: String,
    pub(crate) database: String,
    pub(crate) namespace: String,
}

/// One kind in one partition, and its indexes.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) id: TableId,
    pub(crate) partition: Arc<Partition>,
    pub(crate) kind: String,
    /// The declared indexes of this kind.
    pub(crate) composites: Vec<Composite>,
    properties: RwLock<HashMap<String, IndexId>>,
}

/// A declared index of a table.
#[derive(Clone, Debug)]
pub(crate) struct Composite {
    pub(crate) id: IndexId,
    pub(crate) definition: CompositeIndex,
}

/// A name that the engine has not stored yet.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    Table {
        id: TableId,
        partition: Arc<Partition>,
        kind: String,
    },
    Property {
        id: IndexId,
        table: TableId,
        property: String,
    },
    Composite {
        id: IndexId,
        table: TableId,
        definition: String,
    },
}

/// A table as a file knows it.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) partition: Partition,
    pub(crate) kind: String,
    pub(crate) properties: HashMap<String, IndexId>,
    /// The declared indexes, by their definitions.
    pub(crate) composites: HashMap<String, IndexId>,
}

/// How declared indexes differ from those of a file.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    /// Have no entries yet.
    pub(crate) new: Vec<(Arc<Table>, IndexId)>,
    /// Are declared no more.
    pub(crate) dropped: Vec<IndexId>,
}

/// Where a table is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    File,
    Request,
}

type Kinds = HashMap<String, Arc<Table>>;

/// Every name that was ever used.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    declared: Vec<CompositeIndex>,
    partitions: RwLock<HashMap<Arc<Partition>, Kinds>>,
    tables: RwLock<Vec<Arc<Table>>>,
    numbers: Mutex<Numbers>,
}

#[derive(Debug, Default)]
struct Numbers {
    next_index: u32,
    unsaved: Vec<Name>,
}

impl Catalog {
    /// An empty catalog under these declared indexes.
    pub(crate) fn new(declared: Vec<CompositeIndex>) -> Self {
        Self {
            declared,
            ..Self::default()
        }
    }

    /// The table of a kind, made if it is new.
    pub(crate) fn table(&self, partition: &Partition, kind: &str) -> Arc<Table> {
        let known = self.partitions.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = known.get(partition).and_then(|kinds| kinds.get(kind)) {
            return table.clone();
        }
        drop(known);
        self.make_table(partition, kind)
    }

    /// Every table of a partition, in no order.
    pub(crate) fn list_tables(&self, partition: &Partition) -> Vec<Arc<Table>> {
        let known = self.partitions.read().unwrap_or_else(PoisonError::into_inner);
        known
            .get(partition)
            .map(|kinds| kinds.values().cloned().collect())
            .unwrap_or_default()
    }

    /// The index of one property of a table, made if it is new.
    pub(crate) fn property_index(&self, table: &Table, property: &str) -> IndexId {
        let known = table.properties.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = known.get(property) {
            return *id;
        }
        drop(known);
        let mut known = table.properties.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = known.get(property) {
            return *id;
        }
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let id = numbers.take_index();
        numbers.unsaved.push(Name::Property {
            id,
            table: table.id,
            property: property.to_owned(),
        });
        known.insert(property.to_owned(), id);
        id
    }

    /// The names made since the last call, oldest first.
    pub(crate) fn take_unsaved(&self) -> Vec<Name> {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut numbers.unsaved)
    }

    /// Gives back names that could not be stored.
    pub(crate) fn put_back(&self, mut names: Vec<Name>) {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        names.append(&mut numbers.unsaved);
        numbers.unsaved = names;
    }

    /// The catalog of a file: `saved` are its tables in the order of their numbers, `declared`
    /// the indexes that are wanted now. Also what that changes.
    pub(crate) fn restore(declared: Vec<CompositeIndex>, saved: Vec<Saved>) -> (Self, Differences) {
        let catalog = Self::new(declared);
        let numbers = saved
            .iter()
            .flat_map(|table| table.properties.values().chain(table.composites.values()));
        let next_index = numbers.map(|id| id.0 + 1).max().unwrap_or(0);
        catalog
            .numbers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next_index = next_index;

        let mut differences = Differences::default();
        for table in saved {
            let known: Vec<IndexId> = table.composites.values().copied().collect();
            let restored = catalog.add_table(table, Origin::File);
            let kept: Vec<IndexId> = restored.composites.iter().map(|index| index.id).collect();
            differences
                .dropped
                .extend(known.iter().filter(|id| !kept.contains(id)));
            let new = kept.into_iter().filter(|id| !known.contains(id));
            differences.new.extend(new.map(|id| (restored.clone(), id)));
        }
        (catalog, differences)
    }

    fn make_table(&self, partition: &Partition, kind: &str) -> Arc<Table> {
        let new = Saved {
            partition: partition.clone(),
            kind: kind.to_owned(),
            properties: HashMap::new(),
            composites: HashMap::new(),
        };
        self.add_table(new, Origin::Request)
    }

    /// Adds a table that is new, or new to this process; one that is there already wins.
    fn add_table(&self, saved: Saved, origin: Origin) -> Arc<Table> {
        let mut known = self.partitions.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = known
            .get(&saved.partition)
            .and_then(|kinds| kinds.get(&saved.kind))
        {
            return table.clone();
        }
        let partition = known
            .get_key_value(&saved.partition)
            .map(|(partition, _)| partition.clone());
        let partition = partition.unwrap_or_else(|| Arc::new(saved.partition));

        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let id = TableId(u32::try_from(tables.len()).expect("kinds are few"));
        if origin == Origin::Request {
            numbers.unsaved.push(Name::Table {
                id,
                partition: partition.clone(),
                kind: saved.kind.clone(),
            });
        }
        let declared = self.declared.iter().filter(|index| index.kind == saved.kind);
        let composites = declared
            .map(|definition| numbers.composite(id, definition, &saved.composites))
            .collect();
        let table = Arc::new(Table {
            id,
            partition: partition.clone(),
            kind: saved.kind.clone(),
            composites,
            properties: RwLock::new(saved.properties),
        });
        tables.push(table.clone());
        known
            .entry(partition)
            .or_default()
            .insert(saved.kind, table.clone());
        table
    }
}

impl Numbers {
    /// A declared index under the number that it has, or a new one.
    fn composite(
        &mut self,
        table: TableId,
        definition: &CompositeIndex,
        saved: &HashMap<String, IndexId>,
    ) -> Composite {
        let text = definition.to_string();
        let id = saved.get(&text).copied().unwrap_or_else(|| {
            let id = self.take_index();
            self.unsaved.push(Name::Composite {
                id,
                table,
                definition: text,
            });
            id
        });
        Composite {
            id,
            definition: definition.clone(),
        }
    }

    fn take_index(&mut self) -> IndexId {
        let id = IndexId(self.next_index);
        self.next_index += 1;
        id
    }
}
