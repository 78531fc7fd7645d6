//! Removing a user everywhere.
//!
//! What is written here is the request, durably; a pass does the work and can be interrupted
//! anywhere. Who was erased and registers a device again has come back, and is a user like any
//! other from then on.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::Tx;
use database::erasure::{self, ErasureState};
use runtime::Backends;
use runtime::telemetry::user_hash;
use serde::Serialize;
use tracing::info;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Done;
use crate::error::Error;
use crate::openapi::Missing;
use crate::request::Segments;
use crate::schema;
use crate::transaction::conclude;
use crate::user_id::UserId;

/// The routes of erasure.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(erase)).routes(routes!(get))
}

/// How far the erasure of a user is.
#[derive(Debug, Serialize, ToSchema)]
struct Erasure {
    #[schema(value_type = schema::ErasureState)]
    state: &'static str,
    /// When it was asked for, last.
    requested_at: DateTime<Utc>,
    /// When nothing of the user was left.
    done_at: Option<DateTime<Utc>>,
}

impl Erasure {
    fn of(row: erasure::Erasure) -> Self {
        Self {
            state: row.state.as_str(),
            requested_at: row.requested_at,
            done_at: row.done_at,
        }
    }
}

/// Erase a user: devices, opt-out, recipients' variables, pushes, and the name on grants.
///
/// A repeat begins the work anew, also after it was done.
#[utoipa::path(
    delete, path = "/v1/users/{user_id}", tag = "users", operation_id = "erase_user",
    params(("user_id" = String, Path)),
    responses((status = 202, description = "It will be done", body = Erasure))
)]
async fn erase(
    State(backends): State<Backends>,
    Segments(user): Segments<UserId>,
) -> Result<Response, Error> {
    let mut tx = backends.db.begin().await?;
    let requested = request(&mut tx, &user, backends.process.clock.now()).await;
    let erasure = conclude(tx, requested).await?;
    info!(user.hash = user_hash(user.as_str()), "a user is to be erased");
    backends.nudges.erase.nudge();
    Ok(Done::Accepted.with(erasure))
}

async fn request(tx: &mut Tx, user: &UserId, now: DateTime<Utc>) -> Result<Erasure, Error> {
    erasure::request(tx, user.as_str(), now).await?;
    find(tx, user).await
}

/// Show how far the erasure of a user is.
#[utoipa::path(
    get, path = "/v1/users/{user_id}/erasure", tag = "users", operation_id = "get_erasure",
    params(("user_id" = String, Path)),
    responses(
        (status = 200, description = "How far it is", body = Erasure),
        (status = 404, response = Missing),
    )
)]
async fn get(State(backends): State<Backends>, Segments(user): Segments<UserId>) -> Result<Response, Error> {
    Ok(Done::Ok.with(find(&backends.db, &user).await?))
}

async fn find(on: impl database::Executor, user: &UserId) -> Result<Erasure, Error> {
    let row = erasure::find(on, user.as_str()).await?;
    row.map(Erasure::of).ok_or(Error::NotFound { what: "erasure" })
}

/// Forgets that any of `users`, a chunk's at most, was erased, because they register devices.
/// Answers one whose erasure is under way: it would take the new devices as well.
pub(super) async fn welcome_back(tx: &mut Tx, users: &[&str]) -> Result<Option<String>, Error> {
    for user in erasure::list_erased_among(&mut *tx, users).await? {
        match erasure::find(&mut *tx, &user).await?.map(|erasure| erasure.state) {
            Some(ErasureState::Open) => return Ok(Some(user)),
            Some(ErasureState::Done) => erasure::delete(tx, &user).await?,
            None => {}
        }
    }
    Ok(None)
}
