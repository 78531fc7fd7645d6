//! Lookup: entities by key.

use std::collections::HashSet;
use std::sync::Arc;

use gcloud_sdk::google::datastore::v1 as wire;

use crate::datastore::database::{Database, ReadAt};
use crate::datastore::encoding::value::timestamp;
use crate::datastore::error::Error;
use crate::datastore::key::{self, Completeness, Key, Places, Scope};
use crate::datastore::limits;
use crate::datastore::messages::{EntityResult, LookupResponse};

/// Answers which entities are there, in the order of the request; a key named twice is answered
/// once.
pub(crate) async fn lookup(
    database: &Arc<Database>,
    request: wire::LookupRequest,
) -> Result<LookupResponse, Error> {
    if request.property_mask.is_some() {
        return Err(Error::Unimplemented("property masks on reads are not supported"));
    }
    limits::check_lookup(request.keys.len())?;
    let scope = Scope::new(request.project_id, request.database_id)?;
    let places = places(database, &scope, request.keys)?;
    let at = database.read_at(&scope, request.read_options)?;
    database.run(move |database| answer(database, places, at)).await
}

fn answer(database: &Database, places: Vec<(wire::Key, Key)>, at: ReadAt) -> Result<LookupResponse, Error> {
    let (names, keys): (Vec<_>, Vec<_>) = places.into_iter().unzip();
    let records = database.store.find_all(&keys, &at.snapshot)?;
    let version = at.snapshot.version();
    if let Some(id) = at.transaction {
        database.transactions.record(id, |reads| {
            keys.into_iter().for_each(|key| reads.add_key(key, version));
        });
    }
    let mut response = LookupResponse {
        transaction: at.begun,
        read_time: Some(timestamp(version)),
        ..LookupResponse::default()
    };
    for (name, record) in names.iter().zip(records) {
        match record {
            Some(record) => response.found.push(EntityResult::found(name, &record)),
            None => response.missing.push(EntityResult::missing(name)),
        }
    }
    Ok(response)
}

fn places(database: &Database, scope: &Scope, keys: Vec<wire::Key>) -> Result<Vec<(wire::Key, Key)>, Error> {
    let mut places = Vec::with_capacity(keys.len());
    let mut found = Places::new(scope, &database.store.catalog);
    let mut seen = HashSet::with_capacity(keys.len());
    for name in keys {
        key::check_path(&name.path, Completeness::Complete)?;
        let (table, key) = found.find(&name)?;
        if seen.insert(key.clone()) {
            let name = wire::Key {
                partition_id: Some(table.partition.to_wire()),
                path: name.path,
            };
            places.push((name, key));
        }
    }
    Ok(places)
}
