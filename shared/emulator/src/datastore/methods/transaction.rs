//! BeginTransaction and Rollback.

use std::sync::Arc;

use gcloud_sdk::google::datastore::v1 as wire;

use crate::datastore::database::Database;
use crate::datastore::error::Error;
use crate::datastore::key::Scope;
use crate::datastore::transactions;

/// Begins a transaction.
pub(crate) async fn begin(
    database: &Arc<Database>,
    request: wire::BeginTransactionRequest,
) -> Result<wire::BeginTransactionResponse, Error> {
    let scope = Scope::new(request.project_id, request.database_id)?;
    let id = database.begin(&scope, request.transaction_options.as_ref())?;
    Ok(wire::BeginTransactionResponse {
        transaction: transactions::to_bytes(id),
    })
}

/// Ends a transaction without writing. One that has ended already stays ended: no error.
pub(crate) async fn rollback(
    database: &Arc<Database>,
    request: wire::RollbackRequest,
) -> Result<wire::RollbackResponse, Error> {
    Scope::new(request.project_id, request.database_id)?;
    let id = transactions::from_bytes(&request.transaction)?;
    database.transactions.end(id);
    Ok(wire::RollbackResponse {})
}
