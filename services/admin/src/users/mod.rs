//! `/v1/users`: their devices, whether they want pushes, what they got, and their erasure.

mod address;
mod bulk;
mod devices;
mod erasure;
mod expiry;
mod opt_out;
mod pushes;
mod registration;

use runtime::Backends;
use utoipa_axum::router::OpenApiRouter;

/// The routes of users.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new()
        .merge(devices::routes())
        .merge(bulk::routes())
        .merge(expiry::routes())
        .merge(opt_out::routes())
        .merge(pushes::routes())
        .merge(erasure::routes())
}
