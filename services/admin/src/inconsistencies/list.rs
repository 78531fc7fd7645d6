//! Inconsistencies, page by page and one by one.

use axum::extract::State;
use axum::response::Response;
use campaign::InconsistencyId;
use database::inconsistency;
use runtime::Backends;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::filter::StateFilter;
use super::view::{Inconsistency, InconsistencyHistory, find_row};
use crate::answer::Done;
use crate::error::Error;
use crate::page::{List, Page, PageParameters};
use crate::request::{Parameters, Segments};

/// The routes of reading.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}

/// Which inconsistencies.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParameters {
    /// By default `unrepaired`.
    #[param(value_type = Option<StateFilter>)]
    state: Option<String>,
    /// Of that campaign only.
    campaign: Option<Uuid>,
    /// `next_cursor` of the page before; without one, the first page.
    cursor: Option<String>,
    /// Items of a page at most: 1 to 500, by default 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// List inconsistencies, oldest first; those that are not repaired, unless others are asked for.
#[utoipa::path(
    get, path = "/v1/inconsistencies", tag = "inconsistencies", operation_id = "list_inconsistencies",
    params(ListParameters),
    responses((status = 200, description = "A page", body = Page<Inconsistency>))
)]
async fn list(
    State(backends): State<Backends>,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Response, Error> {
    let ListParameters {
        state,
        campaign,
        cursor,
        limit,
    } = parameters;
    let filter = StateFilter::parse(state.as_deref(), StateFilter::Unrepaired)?.of(campaign);
    let page = PageParameters { cursor, limit };
    let limit = page.limit()?;
    let after = page.after(List::Inconsistencies)?.map(InconsistencyId);
    let rows = inconsistency::list(&backends.db, filter, after, limit + 1).await?;
    let now = backends.process.clock.now();
    let shown = |row| Ok(Inconsistency::of(row, now));
    let page = List::Inconsistencies.page(rows, limit, |row| row.id.0, shown)?;
    Ok(Done::Ok.with(page))
}

/// Show an inconsistency and what became of it.
#[utoipa::path(
    get, path = "/v1/inconsistencies/{id}", tag = "inconsistencies", operation_id = "get_inconsistency",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The inconsistency", body = InconsistencyHistory))
)]
async fn get(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let row = find_row(&backends, id).await?;
    Ok(Done::Ok.with(InconsistencyHistory::read(&backends, row).await?))
}
