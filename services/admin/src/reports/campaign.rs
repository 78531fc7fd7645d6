//! Reports of campaigns: asked for, made in the background, downloaded.

use axum::extract::State;
use axum::response::Response;
use campaign::{CampaignId, ReportId};
use chrono::{DateTime, Utc};
use database::Change;
use database::campaign::Campaign;
use database::report::{self, Report, ReportState, Subject};
use http::HeaderMap;
use runtime::Backends;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::download::{Download, RangeHeaders};
use crate::answer::Done;
use crate::error::Error;
use crate::openapi::{Conflicting, Gone};
use crate::request::Segments;
use crate::schema;
use crate::transaction::conclude;

/// Reports of one campaign that are listed.
const LISTED: u32 = 100;

/// The routes of campaigns' reports.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get))
        .routes(routes!(download))
}

/// What became of each recipient of a campaign, as a file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CampaignReport {
    id: Uuid,
    campaign_id: Uuid,
    /// Whether it can be downloaded.
    #[schema(value_type = schema::ReportState)]
    state: &'static str,
    /// Bytes that are made.
    size: u64,
    created_at: DateTime<Utc>,
    ready_at: Option<DateTime<Utc>>,
    /// From when on it cannot be downloaded any more.
    expires_at: Option<DateTime<Utc>>,
}

impl CampaignReport {
    fn of(report: Report) -> Self {
        Self {
            id: report.id.0,
            campaign_id: report.subject_id,
            state: report.state.as_str(),
            size: report.size,
            created_at: report.created_at,
            ready_at: report.ready_at,
            expires_at: report.expires_at,
        }
    }
}

/// Reports of a campaign, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct CampaignReports {
    items: Vec<CampaignReport>,
}

/// Have a report made of what became of each recipient.
///
/// It is made in the background, chunk by chunk, as each stands by then. While one is being made,
/// this answers with that one.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/reports", tag = "campaigns", operation_id = "create_campaign_report",
    params(("id" = Uuid, Path)),
    responses(
        (status = 202, description = "It is being made", body = CampaignReport),
        (status = 409, response = Conflicting),
    )
)]
async fn create(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let campaign = find_campaign(&backends, id).await?;
    if campaign.pruned_at.is_some() {
        return Err(Error::Pruned);
    }
    if campaign.chunk_count == 0 {
        return Err(Error::NoRecipientsYet(campaign.state));
    }
    let reports = report::list_about(&backends.files, id, LISTED).await?;
    if let Some(making) = reports
        .into_iter()
        .find(|report| report.state == ReportState::Making)
    {
        return Ok(Done::Accepted.with(CampaignReport::of(making)));
    }
    let (report, now) = (ReportId::allocate(), backends.process.clock.now());
    let mut tx = backends.files.begin().await?;
    let begun = report::begin(&mut tx, report, Subject::Campaign, id, now).await;
    // Its id is new.
    let _: Change = conclude(tx, begun).await?;
    backends.nudges.report.nudge();
    Ok(Done::Accepted.with(CampaignReport::of(find(&backends, id, report).await?)))
}

/// List the reports of a campaign, newest first.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}/reports", tag = "campaigns", operation_id = "list_campaign_reports",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The newest hundred", body = CampaignReports))
)]
async fn list(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    find_campaign(&backends, id).await?;
    let reports = report::list_about(&backends.files, id, LISTED).await?;
    let items = reports.into_iter().map(CampaignReport::of).collect();
    Ok(Done::Ok.with(CampaignReports { items }))
}

/// Show how far a report is.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}/reports/{report}", tag = "campaigns", operation_id = "get_campaign_report",
    params(("id" = Uuid, Path), ("report" = Uuid, Path)),
    responses((status = 200, description = "The report", body = CampaignReport))
)]
async fn get(
    State(backends): State<Backends>,
    Segments((id, report)): Segments<(Uuid, Uuid)>,
) -> Result<Response, Error> {
    let report = find(&backends, id, ReportId(report)).await?;
    Ok(Done::Ok.with(CampaignReport::of(report)))
}

/// Download what became of each recipient of a campaign.
///
/// CSV: `user_id,state,reason,sent_at,coupon`, one line a recipient. Users who were erased have no
/// name in it.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}/reports/{report}/file", tag = "campaigns",
    operation_id = "download_campaign_report",
    params(("id" = Uuid, Path), ("report" = Uuid, Path), RangeHeaders),
    responses(
        (status = 200, description = "The report", content_type = "text/csv", body = String),
        (status = 206, description = "The part that was asked for", content_type = "text/csv", body = String),
        (status = 304, description = "It is the one that the client has"),
        (status = 409, response = Conflicting),
        (status = 410, response = Gone),
        (status = 416, description = "It has no such bytes; `Content-Range` says how many it has"),
    )
)]
async fn download(
    State(backends): State<Backends>,
    Segments((id, report)): Segments<(Uuid, Uuid)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let file = Download {
        report: find(&backends, id, ReportId(report)).await?,
        kind: "text/csv; charset=utf-8",
        name: format!("campaign-{id}.csv"),
    };
    file.answer(&backends, &headers)
}

async fn find_campaign(backends: &Backends, id: Uuid) -> Result<Campaign, Error> {
    let campaign = database::campaign::find(&backends.db, CampaignId(id)).await?;
    campaign.ok_or(Error::NotFound { what: "campaign" })
}

/// The report, if it is one of that campaign.
async fn find(backends: &Backends, campaign: Uuid, id: ReportId) -> Result<Report, Error> {
    let report = report::get(&backends.files, id).await?;
    let of_campaign = |report: &Report| report.subject == Subject::Campaign && report.subject_id == campaign;
    report
        .filter(of_campaign)
        .ok_or(Error::NotFound { what: "report" })
}
