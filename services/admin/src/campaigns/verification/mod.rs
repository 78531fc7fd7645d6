//! Recounts a campaign: every marker and every push against the audience, the totals, the grants.
//!
//! Page by page, so that a request takes seconds and no memory to speak of, whatever the campaign's
//! size; what has to be known of all pages together travels in the cursor. Nothing is written, and
//! a campaign may run meanwhile: what is only not there yet is told from what is wrong.

mod difference;
mod facts;
mod rules;

use axum::extract::State;
use axum::response::Response;
use campaign::{AudienceId, CampaignId};
use database::campaign::Campaign as Row;
use database::chunk_tally::{self, ChunkTally};
use database::shard::{coupon_grant, intent};
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
use difference::{Difference, DifferenceKind, Stage, Verdict};
use facts::{Facts, Subject};

const DEFAULT_CHUNKS: u32 = 32;
const MAX_CHUNKS: u32 = 64;

/// Chunks read at once.
const AT_ONCE: usize = 8;

/// Numbers past the last chunk that are looked at: a fault that makes one chunk too many makes the
/// next.
const BEYOND: u32 = 64;

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
    let audience = row.plan.audience_id.ok_or(Error::NotFound { what: "audience" })?;
    for facts in read(&backends, &row, audience, first..end).await? {
        page.pushes += facts.pushes().len() as u64;
        page.grants += facts.grants.len() as u64;
        sums.add(&facts);
        page.differences
            .extend(rules::differences(&facts, subject(&row, audience), stage));
    }
    sums.next = end;
    if end < row.chunk_count {
        page.next_cursor = Some(List::Verification.cursor(&sums.to_bytes()));
    } else {
        page.differences
            .extend(of_the_whole(&backends, &row, stage, sums).await?);
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

fn subject(row: &Row, audience: AudienceId) -> Subject {
    Subject {
        campaign: row.id,
        audience,
        has_coupon: row.plan.coupon_id.is_some(),
    }
}

/// The facts of these chunks, in their order. SQL's totals are read first, so that a chunk is never
/// behind them.
async fn read(
    backends: &Backends,
    row: &Row,
    audience: AudienceId,
    numbers: std::ops::Range<u32>,
) -> Result<Vec<Facts>, Error> {
    let totals = chunk_tally::list(&backends.db, row.id, numbers.clone()).await?;
    let total = |no: u32| -> Option<ChunkTally> {
        let at = totals.binary_search_by_key(&no, |total| total.chunk_no).ok()?;
        Some(totals[at].clone())
    };
    let facts = numbers.map(|no| Facts::read(backends, subject(row, audience), no, total(no)));
    stream::iter(facts).buffered(AT_ONCE).try_collect().await
}

/// What only the last page can tell.
async fn of_the_whole(
    backends: &Backends,
    row: &Row,
    stage: Stage,
    sums: Sums,
) -> Result<Vec<Difference>, Error> {
    let db = &backends.db;
    let mut differences = Vec::new();
    if sums.recipients != row.audience_size {
        differences.push(Difference::of_campaign(
            DifferenceKind::AudienceDiffers,
            Verdict::Fault,
            format!(
                "its audience is counted as {} recipients, its chunks have {}",
                row.audience_size, sums.recipients
            ),
        ));
    }
    differences.extend(beyond(backends, row).await?);
    let grants = coupon_grant::count(db, row.id).await?;
    if grants > sums.grants + sums.erased {
        differences.push(Difference::of_campaign(
            DifferenceKind::GrantForeign,
            // While it runs, grants are made in chunks that were recounted before.
            stage.passing(),
            format!(
                "SQL has {grants} grants of it, {} of them to its recipients",
                sums.grants
            ),
        ));
    }
    let open = intent::count_open(db, row.id).await?;
    if open > 0 {
        differences.push(Difference::of_campaign(
            DifferenceKind::IntentsOpen,
            stage.passing(),
            format!("{open} intents are open: see its inconsistencies"),
        ));
    }
    Ok(differences)
}

/// Markers of chunks that the audience does not have, next to those that it has.
async fn beyond(backends: &Backends, row: &Row) -> Result<Option<Difference>, Error> {
    let numbers = row.chunk_count..row.chunk_count.saturating_add(BEYOND);
    let numbers: Vec<_> = numbers.collect();
    let found = backends.push_store.list_chunks(row.id, &numbers).await?;
    Ok(found.first().map(|chunk| {
        let detail = format!("{} markers lie beyond the last chunk", found.len());
        Difference::of_chunk(DifferenceKind::MarkerBeyond, Verdict::Fault, chunk.no, detail)
    }))
}

/// What the pages so far came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    next: u32,
    recipients: u64,
    grants: u64,
    erased: u64,
}

impl Sums {
    fn add(&mut self, facts: &Facts) {
        let size = facts.packed.as_ref().map_or(0, |packed| packed.users.len());
        self.recipients += size as u64;
        self.grants += facts.grants.len() as u64;
        self.erased += facts.erased_users();
    }

    fn from_bytes(bytes: [u8; 28]) -> Self {
        let number = |at: usize| {
            let bytes = bytes[at..]
                .first_chunk()
                .expect("three numbers of eight bytes follow the first four");
            u64::from_be_bytes(*bytes)
        };
        let [a, b, c, d, ..] = bytes;
        Self {
            next: u32::from_be_bytes([a, b, c, d]),
            recipients: number(4),
            grants: number(12),
            erased: number(20),
        }
    }

    fn to_bytes(self) -> [u8; 28] {
        let mut bytes = [0; 28];
        bytes[..4].copy_from_slice(&self.next.to_be_bytes());
        for (at, number) in [(4, self.recipients), (12, self.grants), (20, self.erased)] {
            bytes[at..at + 8].copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_pages_came_to_survives_the_cursor() {
        let sums = Sums {
            next: 64,
            recipients: u64::MAX,
            grants: 7,
            erased: 1,
        };

        assert_eq!(Sums::from_bytes(sums.to_bytes()), sums);
    }
}
