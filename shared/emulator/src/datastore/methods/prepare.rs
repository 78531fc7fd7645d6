//! Mutations as they come, made into writes.

use gcloud_sdk::google::datastore::v1 as wire;

use super::ids;
use crate::datastore::database::Database;
use crate::datastore::encoding::value::micros;
use crate::datastore::error::Error;
use crate::datastore::key::{self, Completeness, Places, Scope};
use crate::datastore::messages::{Entity, Mutation, Operation};
use crate::datastore::mutation::{Condition, Content, Effect, Existence, Write};

/// Makes a mutation ready; with the key if its id was allocated.
pub(super) fn prepare(
    database: &Database,
    scope: &Scope,
    places: &mut Places<'_>,
    mutation: Mutation,
) -> Result<(Write, Option<wire::Key>), Error> {
    if !mutation.property_transforms.is_empty() {
        return Err(Error::Unimplemented("property transforms are not supported"));
    }
    let condition = condition(&mutation)?;
    let mask = mutation.property_mask;
    let (existence, entity) = match mutation.operation {
        Some(Operation::Insert(entity)) => (Existence::Absent, entity),
        Some(Operation::Update(entity)) => (Existence::Present, entity),
        Some(Operation::Upsert(entity)) => (Existence::Any, entity),
        Some(Operation::Delete(key)) => {
            key::check_path(&key.path, Completeness::Complete)?;
            let (table, key) = places.find(&key)?;
            return Ok((
                Write {
                    table,
                    key,
                    effect: Effect::Delete,
                    condition,
                },
                None,
            ));
        }
        None => return Err(Error::invalid("A mutation has no operation.")),
    };
    let Entity { key, properties } = entity;
    let mut name = key.ok_or_else(|| Error::invalid("The entity has no key."))?;
    let allocated = complete_key(database, scope, &mut name, existence)?;
    let (table, key) = places.find(&name)?;
    let effect = match mask {
        None => Effect::Put(
            existence,
            Content::new(&database.store.catalog, &table, &key.path, properties)?,
        ),
        Some(mask) if mask.paths.iter().any(|path| path.contains('.')) => {
            return Err(Error::Unimplemented(
                "property masks into embedded entities are not supported",
            ));
        }
        Some(mask) => Effect::Merge(existence, properties, mask.paths),
    };
    Ok((
        Write {
            table,
            key,
            effect,
            condition,
        },
        allocated.then_some(name),
    ))
}

fn complete_key(
    database: &Database,
    scope: &Scope,
    key: &mut wire::Key,
    existence: Existence,
) -> Result<bool, Error> {
    let completeness = match existence {
        Existence::Absent | Existence::Any => Completeness::Any,
        Existence::Present => Completeness::Complete,
    };
    key::check_path(&key.path, completeness)?;
    let incomplete = key.path.last().is_some_and(|last| last.id_type.is_none());
    if incomplete {
        key.partition_id = Some(scope.partition(key.partition_id.as_ref())?.to_wire());
        ids::complete(database, key);
    }
    Ok(incomplete)
}

fn condition(mutation: &Mutation) -> Result<Condition, Error> {
    use wire::mutation::{ConflictDetectionStrategy as Detection, ConflictResolutionStrategy as Resolution};

    let base = match &mutation.conflict_detection_strategy {
        None => return Ok(Condition::None),
        Some(Detection::BaseVersion(version)) => *version,
        Some(Detection::UpdateTime(time)) => micros(time),
    };
    match Resolution::try_from(mutation.conflict_resolution_strategy) {
        Ok(Resolution::StrategyUnspecified | Resolution::ServerValue) => Ok(Condition::KeepUnless(base)),
        Ok(Resolution::Fail) => Ok(Condition::FailUnless(base)),
        Err(_) => Err(Error::invalid("The conflict resolution strategy is unknown.")),
    }
}
