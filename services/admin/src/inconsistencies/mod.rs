//! `/v1/inconsistencies`: cases in which SQL committed and Datastore was not known to have.
//!
//! Reconcile repairs them by itself. What is here lets people see them, ask what each means, and
//! have one repaired now instead of after its back-off.

mod datastore;
mod explain;
mod explanation;
mod export;
mod filter;
mod list;
mod repair;
mod sql;
mod view;

use runtime::Backends;
use utoipa_axum::router::OpenApiRouter;

/// The routes of inconsistencies.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new()
        .merge(list::routes())
        .merge(export::routes())
        .merge(explain::routes())
        .merge(repair::routes())
}
