//! Whether a user wants pushes at all.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::opt_out;
use runtime::Backends;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Done, nothing};
use crate::error::Error;
use crate::request::Segments;
use crate::transaction::conclude;
use crate::user_id::UserId;

/// The routes of opt-outs.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(get, opt_out, opt_in))
}

/// Whether a user wants no pushes.
#[derive(Debug, Serialize, ToSchema)]
struct OptOut {
    /// Since when; `null` for a user who wants them.
    since: Option<DateTime<Utc>>,
}

/// Show whether a user wants no pushes.
#[utoipa::path(
    get, path = "/v1/users/{user_id}/opt-out", tag = "users", operation_id = "get_opt_out",
    params(("user_id" = String, Path)),
    responses((status = 200, description = "Since when", body = OptOut))
)]
async fn get(State(backends): State<Backends>, Segments(user): Segments<UserId>) -> Result<Response, Error> {
    let since = opt_out::find(&backends.db, user.as_str()).await?;
    Ok(Done::Ok.with(OptOut { since }))
}

/// Note that a user wants no pushes. A repeat keeps the first instant.
///
/// From the next delivery on, the user's pushes are skipped and no coupon is granted with them.
#[utoipa::path(
    put, path = "/v1/users/{user_id}/opt-out", tag = "users", operation_id = "opt_out",
    params(("user_id" = String, Path)),
    responses((status = 204, description = "It is noted"))
)]
async fn opt_out(
    State(backends): State<Backends>,
    Segments(user): Segments<UserId>,
) -> Result<Response, Error> {
    let mut tx = backends.db.begin().await?;
    let noted = opt_out::insert(&mut tx, user.as_str(), backends.process.clock.now()).await;
    conclude(tx, noted).await?;
    Ok(nothing())
}

/// Note that a user wants pushes again. A repeat does nothing.
#[utoipa::path(
    delete, path = "/v1/users/{user_id}/opt-out", tag = "users", operation_id = "opt_in",
    params(("user_id" = String, Path)),
    responses((status = 204, description = "It is noted"))
)]
async fn opt_in(
    State(backends): State<Backends>,
    Segments(user): Segments<UserId>,
) -> Result<Response, Error> {
    let mut tx = backends.db.begin().await?;
    let noted = opt_out::delete(&mut tx, user.as_str()).await;
    conclude(tx, noted).await?;
    Ok(nothing())
}
