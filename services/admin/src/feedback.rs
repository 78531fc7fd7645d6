//! `/v1/feedback`: addresses that a gateway called gone or wrong.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use database::feedback::{self as rows, Feedback as Row};
use runtime::Backends;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::Done;
use crate::error::Error;
use crate::page::{List, Page, PageParameters};
use crate::request::Parameters;
use crate::schema;

/// What is younger is not listed yet: a transaction that began before another may commit after it,
/// and clocks differ, so whoever goes on from a cursor would pass it over.
const SETTLES_IN: TimeDelta = TimeDelta::seconds(30);

/// The route of feedback.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(list))
}

/// An address that is not to be sent to any more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Feedback {
    id: Uuid,
    /// What became of it.
    #[schema(value_type = schema::AddressFate)]
    fate: &'static str,
    user_id: String,
    /// Which gateway it belongs to.
    kind: &'static str,
    address: String,
    noticed_at: DateTime<Utc>,
    /// Whether the webhook has it, where there is one.
    #[schema(value_type = schema::FeedbackState)]
    webhook: &'static str,
    /// How often that was tried.
    attempts: u32,
}

/// List addresses that gateways called gone or wrong, the oldest first.
///
/// `next_cursor` of the last page is `null`: ask again later with the cursor that led to it, and
/// pass over what is known by its id. What was noticed in the last half minute is not listed yet.
#[utoipa::path(
    get, path = "/v1/feedback", tag = "feedback", operation_id = "list_feedback",
    params(PageParameters), responses((status = 200, description = "A page", body = Page<Feedback>))
)]
async fn list(
    State(backends): State<Backends>,
    Parameters(page): Parameters<PageParameters>,
) -> Result<Response, Error> {
    let limit = page.limit()?;
    let after = page.after(List::Feedback)?;
    let process = &backends.process;
    let before = process.clock.now() - SETTLES_IN - process.config.sender.skew;
    let rows = rows::list(&backends.db, after, before, limit + 1).await?;
    let page = List::Feedback.page(rows, limit, |row| row.id, |row| Ok(Feedback::of(row)))?;
    Ok(Done::Ok.with(page))
}

impl Feedback {
    fn of(row: Row) -> Self {
        Self {
            id: row.id,
            fate: row.fate.as_str(),
            user_id: row.user_id,
            kind: row.kind.as_str(),
            address: row.address,
            noticed_at: row.noticed_at,
            webhook: row.state.as_str(),
            attempts: row.attempts,
        }
    }
}
