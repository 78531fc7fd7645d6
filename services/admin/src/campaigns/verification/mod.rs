//! Recounts a campaign: every marker and every push against the audience, the totals, the grants.
//!
//! Page by page, so that a request takes seconds and no memory to speak of, whatever the campaign's
//! size; what has to be known of all pages together travels in the cursor. Nothing is written, and
//! a campaign may run meanwhile: what is only not there yet is told from what is wrong.

mod difference;
mod facts;
mod rules;
mod whole;

use axum::extract::State;
use axum::response::Response;
use campaign::CampaignId;
use database::chunk_tally::{self, ChunkTally};
use futures::stream::{self, StreamExt, TryStreamExt};
use runtime::Backends;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::find_row;
use crate::answer::Done;
use crate::error::Error;
use crate::openapi::Conflicting;
use crate::page::List;
use crate::request::{Parameters, Segments};
use crate::schema;
use difference::{Difference, Stage};
use facts::{Facts, Subject};
use whole::Sums;

const DEFAULT_CHUNKS: u32 = 32;
const MAX_CHUNKS: u32 = 64;

/// Chunks read at once.
const AT_ONCE: usize = 8;

/// The route of verification.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(verify))
}

/// Which chunks are recounted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct VerificationParameters {
    /// `next_cursor` of the page before; without one, from the first chunk on.
    cursor: Option<String>,
    /// Chunks of a page at most: 1 to 64, by default 32.
    #[param(minimum = 1, maximum = 64)]
    limit: Option<u32>,
}

/// Some chunks of a campaign, recounted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignVerification {
    /// Where the campaign stood when the page was begun.
    #[schema(value_type = schema::CampaignState)]
    state: &'static str,
    /// Chunks of the campaign; 0 before it is scheduled or started.
    chunk_count: u32,
    /// The first chunk of this page.
    first_chunk: u32,
    /// Chunks of this page.
    chunks: u32,
    /// Pushes in them.
    pushes: u64,
    /// Coupons granted to their users.
    grants: u64,
    /// What is not as it must be when everything is done. The last page has those of the campaign
    /// as a whole as well.
    differences: Vec<Difference>,
    /// Asks for the next page; `null` on the last one.
    next_cursor: Option<String>,
}

/// Recount a campaign against its audience, some chunks at a time.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}/verification", tag = "campaigns", operation_id = "verify_campaign",
    params(("id" = Uuid, Path), VerificationParameters),
    responses(
        (status = 200, description = "A page", body = CampaignVerification),
        (status = 409, response = Conflicting),
    )
)]
async fn verify(
    State(backends): State<Backends>,
    Segments(id): Segments<Uuid>,
    Parameters(parameters): Parameters<VerificationParameters>,
) -> Result<Response, Error> {
    let limit = parameters.limit()?;
    let so_far = List::Verification.read(parameters.cursor.as_deref())?;
    let mut sums = so_far.map_or(Sums::default(), Sums::from_bytes);
    let row = find_row(&backends.db, CampaignId(id)).await?;
    if row.pruned_at.is_some() {
        return Err(Error::Pruned);
    }
    let stage = Stage::of(&row);
    let first = sums.next;
    let end = row.chunk_count.min(first.saturating_add(limit));
    let mut page = CampaignVerification {
        state: row.state.as_str(),
        chunk_count: row.chunk_count,
        first_chunk: first,
        chunks: end.saturating_sub(first),
        pushes: 0,
        grants: 0,
        differences: Vec::new(),
        next_cursor: None,
    };
    let subject = Subject {
        campaign: row.id,
        audience: row.plan.audience_id.ok_or(Error::NoAudience)?,
        has_coupon: row.plan.coupon_id.is_some(),
    };
    // Read first, so that a chunk is never behind them.
    let totals = chunk_tally::list(&backends.db, row.id, first..end).await?;
    let reads = (first..end).map(|no| Facts::read(&backends, subject, no, find(&totals, no)));
    let mut reads = stream::iter(reads).buffered(AT_ONCE);
    while let Some(facts) = reads.try_next().await? {
        page.pushes += facts.pushes().len() as u64;
        page.grants += facts.grants.len() as u64;
        sums.add(&facts);
        page.differences
            .extend(rules::differences(&facts, subject, stage));
    }
    sums.next = end;
    if end < row.chunk_count {
        page.next_cursor = Some(List::Verification.cursor(&sums.to_bytes()));
    } else {
        page.differences
            .extend(whole::differences(&backends, &row, stage, sums).await?);
    }
    Ok(Done::Ok.with(page))
}

impl VerificationParameters {
    fn limit(&self) -> Result<u32, Error> {
        match self.limit {
            None => Ok(DEFAULT_CHUNKS),
            Some(limit) if (1..=MAX_CHUNKS).contains(&limit) => Ok(limit),
            Some(_) => Err(Error::invalid("limit", "must be from 1 to 64")),
        }
    }
}

/// A chunk's counts, of those that are in the order of their numbers.
fn find(totals: &[ChunkTally], no: u32) -> Option<ChunkTally> {
    let at = totals.binary_search_by_key(&no, |total| total.chunk_no).ok()?;
    Some(totals[at].clone())
}
