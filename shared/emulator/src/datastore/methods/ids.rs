//! AllocateIds and ReserveIds.

use std::sync::Arc;

use gcloud_sdk::google::datastore::v1 as wire;
use wire::key::path_element::IdType;

use crate::datastore::database::Database;
use crate::datastore::error::Error;
use crate::datastore::key::{self, Completeness, Scope};

/// Completes the keys with ids that are given to nobody else.
pub(crate) async fn allocate(
    database: &Arc<Database>,
    request: wire::AllocateIdsRequest,
) -> Result<wire::AllocateIdsResponse, Error> {
    let scope = Scope::new(request.project_id, request.database_id)?;
    let mut keys = request.keys;
    for key in &mut keys {
        key::check_path(&key.path, Completeness::Incomplete)?;
        key.partition_id = Some(scope.partition(key.partition_id.as_ref())?.to_wire());
        complete(database, key);
    }
    Ok(wire::AllocateIdsResponse { keys })
}

/// Checks the keys. Automatic ids are made from the clock, and an insert under one that is
/// taken fails, so that nothing needs to be kept of a reservation.
pub(crate) async fn reserve(request: wire::ReserveIdsRequest) -> Result<wire::ReserveIdsResponse, Error> {
    let scope = Scope::new(request.project_id, request.database_id)?;
    for key in &request.keys {
        key::check_path(&key.path, Completeness::Complete)?;
        scope.partition(key.partition_id.as_ref())?;
    }
    Ok(wire::ReserveIdsResponse {})
}

/// Gives an id to a key without one.
pub(crate) fn complete(database: &Database, key: &mut wire::Key) {
    if let Some(last) = key.path.last_mut() {
        last.id_type = Some(IdType::Id(database.allocate_id()));
    }
}
