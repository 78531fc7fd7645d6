//! How far a campaign is, and what keeps it from being finished.

use axum::extract::State;
use axum::response::Response;
use campaign::canary::Tried;
use campaign::{Balance, CampaignId, Canary, PushState, Tally};
use chrono::{DateTime, Utc};
use database::campaign::{Campaign as Row, Kind};
use database::chunk_tally::{self, Total};
use database::inconsistency::{self, Counts};
use database::shard::{coupon_grant, intent};
use runtime::Backends;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::find_row;
use super::outlook::{self, CampaignPace};
use crate::answer::Done;
use crate::error::Error;
use crate::guard::GuardLeave;
use crate::json;
use crate::request::Segments;
use crate::schema;

/// Chunks that are named at most.
const NAMED_CHUNKS: u32 = 100;

/// The route of progress.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(progress))
}

/// How far a campaign is. The counts are those that were written down last, chunk by chunk.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignProgress {
    /// Where it stands.
    #[schema(value_type = schema::CampaignState)]
    state: &'static str,
    /// Why it failed.
    reason: Option<String>,
    /// Recipients; 0 before it is scheduled or started.
    audience_size: u64,
    /// Chunks; 0 before it is scheduled or started.
    chunk_count: u32,
    /// Recipients that have a push.
    expanded: u64,
    /// Chunks that have their pushes.
    expanded_chunks: u64,
    /// Pushes by state. In a cancelled or failed campaign, what is not settled counts as cancelled.
    tally: PushCounts,
    /// Final pushes by reason.
    reasons: Vec<ReasonCount>,
    /// Coupons granted.
    grants: u64,
    /// Grants of which Datastore is not known to have followed.
    open_intents: u64,
    /// Those of which it was noticed that Datastore was not known to have followed.
    inconsistencies: InconsistencyCounts,
    /// How fast it went in the last minute; `null` where that is not known.
    pace: Option<CampaignPace>,
    /// When it will be done, at present rates and if nothing else is done; `null` unless it runs.
    /// `plan` has more of that.
    eta: Option<DateTime<Utc>>,
    /// How far its canary is; absent without one.
    canary: Option<CanaryProgress>,
    /// What keeps it from being finished, in words; empty where nothing does.
    missing: Vec<String>,
    /// How much of it, and of everything else, may begin now.
    guard: GuardLeave,
    /// Numbers of chunks that are not known to be closed, expanded or not; the first 100.
    unsettled_chunks: Vec<u32>,
}

/// How far a campaign's canary is, and what it is judged by.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CanaryProgress {
    #[schema(value_type = schema::CanaryState)]
    state: &'static str,
    /// The part of the campaign that it is, as planned.
    percent: f64,
    /// Its chunks: those with the lowest numbers.
    chunks: u32,
    /// Its pushes that a gateway accepted.
    sent: u64,
    /// Those that failed, but for addresses that are gone.
    failed: u64,
    /// The part of both together that may fail.
    max_failure_rate: f64,
    /// How many of both together tell how it is.
    min_sent: u64,
}

/// Pushes by state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PushCounts {
    pending: u64,
    granted: u64,
    sent: u64,
    failed: u64,
    skipped: u64,
    cancelled: u64,
    expired: u64,
}

/// Inconsistencies by state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InconsistencyCounts {
    /// Reconcile is on them.
    open: u64,
    /// Both stores agree again.
    repaired: u64,
    /// They were given up; a person must look.
    dead: u64,
}

/// How many pushes ended in a state for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReasonCount {
    #[schema(value_type = schema::PushState)]
    state: &'static str,
    #[schema(value_type = schema::PushReason)]
    reason: &'static str,
    pushes: u64,
}

/// Show how far a campaign is.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}/progress", tag = "campaigns", operation_id = "get_campaign_progress",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "How far it is", body = CampaignProgress))
)]
async fn progress(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let row = find_row(&backends.db, CampaignId(id)).await?;
    Ok(Done::Ok.with(of(&backends, row).await?))
}

async fn of(backends: &Backends, row: Row) -> Result<CampaignProgress, Error> {
    let db = &backends.db;
    let total = match row.kind {
        Kind::Broadcast => chunk_tally::total(db, row.id).await?,
        Kind::Triggered => triggered(backends, &row).await?,
    };
    let (eta, pace) = outlook::eta(backends, &row, &total).await?;
    let read = total
        .tally
        .read_in(row.state, row.audience_size.max(total.expanded));
    let balance = Balance {
        audience: row.audience_size,
        expanded: total.expanded,
        tally: total.tally,
        open_chunks: u64::from(row.chunk_count).saturating_sub(total.closed),
        open_intents: intent::count_open(db, row.id).await?,
    };
    let inconsistencies = inconsistency::count_of(db, row.id).await?;
    Ok(CampaignProgress {
        state: row.state.as_str(),
        audience_size: row.audience_size,
        chunk_count: row.chunk_count,
        expanded: total.expanded,
        expanded_chunks: total.chunks,
        tally: PushCounts::of(&read),
        reasons: reasons(&read),
        grants: coupon_grant::count(db, row.id).await?,
        open_intents: balance.open_intents,
        pace,
        eta,
        missing: match row.kind {
            Kind::Broadcast => missing(&row, &balance, &inconsistencies),
            Kind::Triggered => Vec::new(),
        },
        inconsistencies: InconsistencyCounts::of(inconsistencies),
        guard: GuardLeave::of(backends.guard.status().verdict),
        canary: canary(backends, &row).await?,
        unsettled_chunks: unsettled_chunks(backends, &row).await?,
        reason: row.reason,
    })
}

async fn canary(backends: &Backends, row: &Row) -> Result<Option<CanaryProgress>, Error> {
    let (Some(canary), Some(state)) = (&row.plan.canary, row.canary_state) else {
        return Ok(None);
    };
    let canary: Canary = json::read("a campaign's canary", canary)?;
    let chunks = canary.chunks(row.chunk_count);
    let total = chunk_tally::total_below(&backends.db, row.id, chunks).await?;
    let tried = Tried::of(&total.tally);
    Ok(Some(CanaryProgress {
        state: state.as_str(),
        percent: canary.percent,
        chunks,
        sent: tried.sent,
        failed: tried.failed,
        max_failure_rate: canary.max_failure_rate,
        min_sent: canary.min_sent,
    }))
}

/// The single pushes of a campaign, counted in Datastore.
async fn triggered(backends: &Backends, row: &Row) -> Result<Total, Error> {
    let tally = backends.push_store.count_triggered(row.id).await?;
    Ok(Total {
        chunks: tally.total(),
        closed: tally.settled(),
        expanded: tally.total(),
        tally,
    })
}

/// What a campaign that can still be finished lacks.
fn missing(row: &Row, balance: &Balance, inconsistencies: &Counts) -> Vec<String> {
    use campaign::CampaignState::{Cancelled, Draft, Failed, Finished, Paused, Running, Scheduled};
    match row.state {
        Draft | Scheduled => vec!["the campaign has not started".to_owned()],
        Running | Paused => {
            let missing = balance.missing().into_iter().map(|missing| missing.to_string());
            missing.chain(unrepaired(row, inconsistencies)).collect()
        }
        Finished | Cancelled | Failed => Vec::new(),
    }
}

/// Which of the open intents are known as inconsistencies, and where they are listed.
fn unrepaired(row: &Row, counts: &Counts) -> Option<String> {
    let Counts { open, dead, .. } = counts;
    (open + dead > 0).then(|| {
        format!(
            "{open} inconsistencies are open and {dead} dead: see /v1/inconsistencies?campaign={}",
            row.id
        )
    })
}

async fn unsettled_chunks(backends: &Backends, row: &Row) -> Result<Vec<u32>, Error> {
    match row.plan.audience_id {
        Some(audience) if row.started_at.is_some() && !row.state.is_final() => {
            Ok(chunk_tally::list_open(&backends.db, row.id, audience, 0, NAMED_CHUNKS).await?)
        }
        Some(_) | None => Ok(Vec::new()),
    }
}

fn reasons(tally: &Tally) -> Vec<ReasonCount> {
    let counts = tally.settled.iter().map(|(reason, pushes)| ReasonCount {
        state: reason.state().as_str(),
        reason: reason.as_str(),
        pushes: *pushes,
    });
    counts.collect()
}

impl PushCounts {
    fn of(tally: &Tally) -> Self {
        Self {
            pending: tally.pending,
            granted: tally.granted,
            sent: tally.count(PushState::Sent),
            failed: tally.count(PushState::Failed),
            skipped: tally.count(PushState::Skipped),
            cancelled: tally.count(PushState::Cancelled),
            expired: tally.count(PushState::Expired),
        }
    }
}

impl InconsistencyCounts {
    fn of(Counts { open, repaired, dead }: Counts) -> Self {
        Self { open, repaired, dead }
    }
}
