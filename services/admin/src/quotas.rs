//! `/v1/quotas`: what may be sent in a minute, and which process may send how much of it.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::quota;
use pacing::quota::Brake;
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

/// The route of quotas.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What may be sent in a minute.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Quota {
    /// Of a gateway's project, `fcm/PROJECT`, or of a campaign with a `max_per_second`, `campaign/ID`.
    name: String,
    /// Messages a minute.
    per_minute: u64,
    /// How many of them are allowed now: fewer while the gateway says that it gets too much.
    allowed_per_minute: u64,
    /// Until when they stay as few; absent where nothing is held back.
    held_until: Option<DateTime<Utc>>,
    /// Of each sender that has one.
    shares: Vec<QuotaShare>,
}

/// What one sender may send of a quota. All figures are messages a minute.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotaShare {
    /// One life of a process.
    holder: Uuid,
    per_minute: u64,
    /// What it could send of the fast lane.
    fast_demand: u64,
    /// What it could send of the bulk lane.
    bulk_demand: u64,
}

/// List quotas by name, each with its live shares.
#[utoipa::path(
    get, path = "/v1/quotas", tag = "quotas", operation_id = "list_quotas",
    params(PageParameters), responses((status = 200, description = "A page", body = Page<Quota>))
)]
async fn list(
    State(backends): State<Backends>,
    Parameters(page): Parameters<PageParameters>,
) -> Result<Response, Error> {
    let limit = page.limit()?;
    let after = List::Quotas.read_text(page.cursor.as_deref())?;
    let now = backends.process.clock.now();
    let mut rows = quota::list(&backends.db, after.as_deref(), limit + 1, now).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().filter(|_| more);
    Ok(Done::Ok.with(Page {
        next_cursor: last.map(|last| List::Quotas.cursor(last.name.as_bytes())),
        items: rows.into_iter().map(|row| Quota::of(row, now)).collect(),
    }))
}

impl Quota {
    fn of(row: quota::Quota, now: DateTime<Utc>) -> Self {
        let brake = Brake {
            allowed: row.brake.allowed,
            pressed_at: row.brake.pressed_at,
            held_until: row.brake.held_until,
        };
        Self {
            allowed_per_minute: brake.of(row.per_minute, now),
            held_until: Some(row.brake.held_until).filter(|until| *until > now),
            name: row.name,
            per_minute: row.per_minute,
            shares: row.shares.into_iter().map(QuotaShare::of).collect(),
        }
    }
}

impl QuotaShare {
    fn of(row: quota::Share) -> Self {
        Self {
            holder: row.holder,
            per_minute: row.per_minute,
            fast_demand: row.fast_demand,
            bulk_demand: row.bulk_demand,
        }
    }
}
