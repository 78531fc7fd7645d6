//! `/v1/inconsistencies`: cases in which one store committed and the other was not known to have.

use axum::extract::State;
use axum::response::Response;
use campaign::InconsistencyId;
use chrono::{DateTime, Utc};
use database::inconsistency::{self, InconsistencyState};
use runtime::Backends;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::Done;
use crate::error::Error;
use crate::page::{List, Page, PageParameters};
use crate::request::{Parameters, Segments};
use crate::schema;

/// The routes of inconsistencies.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}

/// Which inconsistencies.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParameters {
    /// By default `open`.
    #[param(value_type = Option<schema::InconsistencyState>)]
    state: Option<String>,
    /// `next_cursor` of the page before; without one, the first page.
    cursor: Option<String>,
    /// Items of a page at most: 1 to 500, by default 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// A case in which SQL committed and Datastore was not known to have.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Inconsistency {
    id: Uuid,
    /// The promise that must be carried out.
    intent_id: Uuid,
    campaign_id: Uuid,
    /// Which chunk of the campaign.
    chunk_no: u32,
    /// How the second commit ended.
    #[schema(value_type = schema::InconsistencyKind)]
    kind: &'static str,
    /// What the store said.
    detail: String,
    /// How far it is.
    #[schema(value_type = schema::InconsistencyState)]
    state: &'static str,
    /// How it was repaired, or why it cannot be.
    resolution: Option<String>,
    detected_at: DateTime<Utc>,
    /// When it was repaired or given up.
    resolved_at: Option<DateTime<Utc>>,
}

impl Inconsistency {
    fn of(row: inconsistency::Inconsistency) -> Self {
        Self {
            id: row.id.0,
            intent_id: row.intent_id.0,
            campaign_id: row.campaign_id.0,
            chunk_no: row.chunk_no,
            kind: row.kind.as_str(),
            detail: row.detail,
            state: row.state.as_str(),
            resolution: row.resolution,
            detected_at: row.detected_at,
            resolved_at: row.resolved_at,
        }
    }
}

/// List the inconsistencies of one state, oldest first.
#[utoipa::path(
    get, path = "/v1/inconsistencies", tag = "inconsistencies", operation_id = "list_inconsistencies",
    params(ListParameters),
    responses((status = 200, description = "A page", body = Page<Inconsistency>))
)]
async fn list(
    State(backends): State<Backends>,
    Parameters(ListParameters { state, cursor, limit }): Parameters<ListParameters>,
) -> Result<Response, Error> {
    let state = match state.as_deref() {
        None => InconsistencyState::Open,
        Some(word) => InconsistencyState::parse(word)
            .ok_or_else(|| Error::invalid("state", "must be open, repaired or dead"))?,
    };
    let page = PageParameters { cursor, limit };
    let limit = page.limit()?;
    let after = page.after(List::Inconsistencies)?.map(InconsistencyId);
    let rows = inconsistency::list(&backends.db, state, after, limit + 1).await?;
    let page = List::Inconsistencies.page(rows, limit, |row| row.id.0, |row| Ok(Inconsistency::of(row)))?;
    Ok(Done::Ok.with(page))
}

/// Show an inconsistency.
#[utoipa::path(
    get, path = "/v1/inconsistencies/{id}", tag = "inconsistencies", operation_id = "get_inconsistency",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The inconsistency", body = Inconsistency))
)]
async fn get(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let row = inconsistency::find(&backends.db, InconsistencyId(id)).await?;
    let found = row.map(Inconsistency::of).ok_or(Error::NotFound {
        what: "inconsistency",
    })?;
    Ok(Done::Ok.with(found))
}
