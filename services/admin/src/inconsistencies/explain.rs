//! Explains an inconsistency: what both stores hold, which failure that means, and what a repair
//! would do.

use axum::extract::State;
use axum::response::Response;
use campaign::{ChunkId, Places};
use runtime::Backends;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::datastore::InDatastore;
use super::explanation::{RepairAction, conclude};
use super::sql::InSql;
use super::view::{Inconsistency, find_row};
use crate::answer::Done;
use crate::error::Error;
use crate::request::Segments;

/// The route of explanations.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(explain))
}

/// What an inconsistency means. The two stores are read one after the other, so what is at work
/// in between may show in one of them only.
#[derive(Debug, Serialize, ToSchema)]
struct Explanation {
    inconsistency: Inconsistency,
    /// What SQL holds.
    sql: InSql,
    /// What Datastore holds.
    datastore: InDatastore,
    /// Which failure that means, in words.
    failure: String,
    /// What a repair would do.
    action: RepairAction,
    /// The same in words; they go on from "a repair would".
    repair: String,
}

/// Explain an inconsistency: what is in both stores, what that means, what a repair would do.
#[utoipa::path(
    get, path = "/v1/inconsistencies/{id}/explanation", tag = "inconsistencies",
    operation_id = "explain_inconsistency",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The explanation", body = Explanation))
)]
async fn explain(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let row = find_row(&backends, id).await?;
    let (sql, intent) = InSql::read(&backends, &row).await?;
    let places = intent.as_ref().map(|intent| Places::from_bytes(intent.users));
    let chunk = ChunkId::of(row.campaign_id, row.chunk_no);
    let datastore = InDatastore::read(&backends, chunk, places).await;
    let conclusion = conclude(row.kind, intent.as_ref(), &datastore);
    Ok(Done::Ok.with(Explanation {
        inconsistency: Inconsistency::of(row, backends.process.clock.now()),
        sql,
        datastore,
        failure: conclusion.failure,
        action: conclusion.action,
        repair: conclusion.repair,
    }))
}
