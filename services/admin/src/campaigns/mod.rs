//! `/v1/campaigns`: one message to one audience, from draft to its end.

mod outlook;
mod plan;
mod progress;
mod recipients;
mod rehearsal;
mod transitions;
mod verification;
mod view;

use axum::extract::State;
use axum::response::Response;
use campaign::{CampaignId, CampaignState};
use chrono::{DateTime, Utc};
use database::{Change, Executor, Tx};
use http::HeaderMap;
use http::header::IF_MATCH;
use runtime::Backends;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{Done, versioned};
use crate::audiences::Upload;
use crate::error::Error;
use crate::once::{Incoming, KeyHeader};
use crate::openapi::{Conflicting, Outdated, Unversioned};
use crate::page::{List, Page, PageParameters};
use crate::request::{Body, Parameters, Segments};
use crate::transaction::conclude;
use plan::CampaignPlan;
use view::Campaign;

/// The routes of campaigns.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update))
        .merge(transitions::routes())
        .merge(progress::routes())
        .merge(outlook::routes())
        .merge(verification::routes())
        .merge(recipients::routes())
        .merge(rehearsal::routes())
}

/// Make a draft.
///
/// Its audience need not be ready, and its templates are checked against the audience's variables
/// as soon as those are known. Inline user ids and an inline coupon are made with it, or not at all.
#[utoipa::path(
    post, path = "/v1/campaigns", tag = "campaigns", operation_id = "create_campaign",
    params(KeyHeader), request_body = CampaignPlan,
    responses((status = 201, description = "The draft", body = Campaign))
)]
async fn create(
    State(backends): State<Backends>,
    incoming: Incoming,
    body: Body<CampaignPlan>,
) -> Result<Response, Error> {
    let now = backends.process.clock.now();
    body.content.check(now)?;
    let known = incoming.is_known(&backends.db).await?;
    let once = incoming.with_body(&body.bytes);
    let mut upload = body.content.inline_upload()?;
    let created = async {
        if let Some(upload) = upload.as_mut().filter(|_| !known) {
            upload.store_rest(&backends).await?;
        }
        let mut tx = once.begin(&backends.db).await?;
        let created = create_in(&mut tx, &body.content, upload.as_ref(), now).await;
        once.conclude(&backends, tx, created, Done::Created).await
    }
    .await;
    take_back(&backends, upload).await;
    backends.nudges.import.nudge();
    created
}

/// What is left of user ids that came with a plan and did not become an audience.
async fn take_back(backends: &Backends, upload: Option<Upload>) {
    if let Some(upload) = upload {
        upload.take_back(backends).await;
    }
}

async fn create_in(
    tx: &mut Tx,
    plan: &CampaignPlan,
    upload: Option<&Upload>,
    now: DateTime<Utc>,
) -> Result<Campaign, Error> {
    let kind = plan.kind();
    let plan = plan.resolve(tx, upload, now).await?;
    let id = CampaignId::allocate();
    database::campaign::insert(tx, id, kind, &plan, now).await?;
    Campaign::of(find_row(tx, id).await?)
}

/// List campaigns, newest first.
#[utoipa::path(
    get, path = "/v1/campaigns", tag = "campaigns", operation_id = "list_campaigns",
    params(PageParameters), responses((status = 200, description = "A page", body = Page<Campaign>))
)]
async fn list(
    State(backends): State<Backends>,
    Parameters(page): Parameters<PageParameters>,
) -> Result<Response, Error> {
    let limit = page.limit()?;
    let before = page.after(List::Campaigns)?.map(CampaignId);
    let rows = database::campaign::list(&backends.db, before, limit + 1).await?;
    let page = List::Campaigns.page(rows, limit, |row| row.id.0, Campaign::of)?;
    Ok(Done::Ok.with(page))
}

/// Show a campaign. Its `ETag` is the version that an update must name.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}", tag = "campaigns", operation_id = "get_campaign",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The campaign", body = Campaign))
)]
async fn get(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let campaign = Campaign::of(find_row(&backends.db, CampaignId(id)).await?)?;
    Ok(versioned(campaign.version(), campaign))
}

/// The version header, for the API's document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "headers are read by hand; this describes them")]
struct VersionHeader {
    /// The version that is replaced, in quotes: the `ETag` of the campaign.
    #[param(rename = "If-Match")]
    version: String,
}

/// Replace the plan of a draft.
#[utoipa::path(
    put, path = "/v1/campaigns/{id}", tag = "campaigns", operation_id = "update_campaign",
    params(("id" = Uuid, Path), VersionHeader), request_body = CampaignPlan,
    responses(
        (status = 200, description = "The draft as it is now", body = Campaign),
        (status = 409, response = Conflicting),
        (status = 412, response = Outdated),
        (status = 428, response = Unversioned),
    )
)]
async fn update(
    State(backends): State<Backends>,
    Segments(id): Segments<Uuid>,
    headers: HeaderMap,
    body: Body<CampaignPlan>,
) -> Result<Response, Error> {
    let now = backends.process.clock.now();
    let version = version_of(&headers)?;
    body.content.check(now)?;
    check_draft(&find_row(&backends.db, CampaignId(id)).await?, version)?;
    let mut upload = body.content.inline_upload()?;
    let updated = async {
        if let Some(upload) = &mut upload {
            upload.store_rest(&backends).await?;
        }
        let mut tx = backends.db.begin().await?;
        let updated = update_in(
            &mut tx,
            CampaignId(id),
            version,
            &body.content,
            upload.as_ref(),
            now,
        )
        .await;
        conclude(tx, updated).await
    }
    .await;
    take_back(&backends, upload).await;
    let campaign = updated?;
    backends.nudges.import.nudge();
    Ok(versioned(campaign.version(), campaign))
}

async fn update_in(
    tx: &mut Tx,
    id: CampaignId,
    version: u32,
    plan: &CampaignPlan,
    upload: Option<&Upload>,
    now: DateTime<Utc>,
) -> Result<Campaign, Error> {
    let before = find_row(&mut *tx, id).await?;
    check_draft(&before, version)?;
    if plan.kind() != before.kind {
        return Err(Error::invalid("kind", "cannot be changed: make another campaign"));
    }
    let plan = plan.resolve(tx, upload, now).await?;
    let change = database::campaign::update_draft(tx, id, version, &plan, now).await?;
    let row = find_row(tx, id).await?;
    match change {
        Change::Applied => Campaign::of(row),
        Change::Stale => Err(why_stale(&row, version)),
    }
}

/// Whether it is a draft of that version.
fn check_draft(row: &database::campaign::Campaign, version: u32) -> Result<(), Error> {
    if row.state != CampaignState::Draft {
        return Err(Error::NotDraft(row.state));
    }
    if row.version != version {
        return Err(Error::VersionDiffers { current: row.version });
    }
    Ok(())
}

/// Why an update of that version was stale.
fn why_stale(row: &database::campaign::Campaign, version: u32) -> Error {
    match check_draft(row, version) {
        Err(error) => error,
        Ok(()) => Error::Fault("a draft of the right version was not updated".to_owned()),
    }
}

fn version_of(headers: &HeaderMap) -> Result<u32, Error> {
    let value = headers.get(IF_MATCH).ok_or(Error::VersionMissing)?;
    let quoted = value.to_str().ok().map(str::trim);
    quoted
        .and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok())
        .ok_or_else(|| Error::invalid("If-Match", "must be a version in quotes, as in the `ETag`"))
}

async fn find_row(on: impl Executor, id: CampaignId) -> Result<database::campaign::Campaign, Error> {
    let row = database::campaign::find(on, id).await?;
    row.ok_or(Error::NotFound { what: "campaign" })
}
