//! What is done with campaigns: schedule, start, pause, resume, cancel.
//!
//! A campaign is scheduled or started only with a ready audience, whose size is fixed on it then,
//! and with templates that fit that audience. Pause and cancel answer when nothing is handed to
//! a gateway any more.

use axum::extract::State;
use axum::response::Response;
use campaign::{CampaignId, CampaignState, CanaryState, Lane, Transition};
use chrono::{DateTime, Utc};
use database::audience::AudienceState;
use database::campaign::{Campaign as Row, Kind, Plan, Transitioned, decide_canary};
use database::{Change, Tx};
use runtime::Backends;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::plan::check_variables;
use super::view::Campaign;
use super::{find_row, why_stale};
use crate::answer::Done;
use crate::error::Error;
use crate::json;
use crate::openapi::Conflicting;
use crate::request::Segments;
use crate::stop::permits_ended;
use crate::transaction::conclude;

/// The routes of transitions.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new()
        .routes(routes!(schedule))
        .routes(routes!(start))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(cancel))
}

/// Let a draft start by itself when its time comes.
///
/// Its audience must be ready, and its schedule must name a time.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/schedule", tag = "campaigns", operation_id = "schedule_campaign",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "It is scheduled", body = Campaign),
        (status = 409, response = Conflicting),
    )
)]
async fn schedule(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let campaign = change(&backends, CampaignId(id), Transition::Schedule).await?;
    backends.nudges.fan_out.nudge();
    Ok(Done::Ok.with(campaign))
}

/// Start a draft or scheduled campaign now.
///
/// Its audience must be ready. What is to be sent later, by its schedule, still is.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/start", tag = "campaigns", operation_id = "start_campaign",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "It runs", body = Campaign),
        (status = 409, response = Conflicting),
    )
)]
async fn start(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let campaign = change(&backends, CampaignId(id), Transition::Start).await?;
    backends.nudges.fan_out.nudge();
    Ok(Done::Ok.with(campaign))
}

/// Hold a running campaign: nothing of it is handed to a gateway after the answer.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/pause", tag = "campaigns", operation_id = "pause_campaign",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "It is paused", body = Campaign),
        (status = 409, response = Conflicting),
    )
)]
async fn pause(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let campaign = change(&backends, CampaignId(id), Transition::Pause).await?;
    permits_ended(&backends.process).await;
    Ok(Done::Ok.with(campaign))
}

/// Let a paused campaign go on.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/resume", tag = "campaigns", operation_id = "resume_campaign",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "It runs", body = Campaign),
        (status = 409, response = Conflicting),
    )
)]
async fn resume(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let campaign = change(&backends, CampaignId(id), Transition::Resume).await?;
    backends.nudges.fan_out.nudge();
    backends.nudges.dispatch.nudge();
    Ok(Done::Ok.with(campaign))
}

/// Stop a campaign for good: nothing of it is handed to a gateway after the answer.
///
/// What is not settled reads as cancelled from then on. Coupons that were granted stay granted.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/cancel", tag = "campaigns", operation_id = "cancel_campaign",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "It is cancelled", body = Campaign),
        (status = 409, response = Conflicting),
    )
)]
async fn cancel(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let campaign = change(&backends, CampaignId(id), Transition::Cancel).await?;
    backends.nudges.reconcile.nudge();
    permits_ended(&backends.process).await;
    Ok(Done::Ok.with(campaign))
}

async fn change(backends: &Backends, id: CampaignId, transition: Transition) -> Result<Campaign, Error> {
    let now = backends.process.clock.now();
    let mut tx = backends.db.begin_ahead().await?;
    let changed = change_in(&mut tx, id, transition, now).await;
    conclude(tx, changed).await
}

async fn change_in(
    tx: &mut Tx,
    id: CampaignId,
    transition: Transition,
    now: DateTime<Utc>,
) -> Result<Campaign, Error> {
    let row = find_row(&mut *tx, id).await?;
    row.state.after(transition)?;
    if row.state == CampaignState::Draft && matches!(transition, Transition::Schedule | Transition::Start) {
        freeze(tx, row, transition, now).await?;
    }
    if transition == Transition::Resume {
        // A person has seen why it was paused, if its canary was the reason.
        let _: Change = decide_canary(&mut *tx, id, CanaryState::Waived, now).await?;
    }
    match database::campaign::transition(tx, id, transition, None, now).await? {
        Transitioned::To(_) => Campaign::of(find_row(tx, id).await?),
        Transitioned::Refused(refusal) => Err(refusal.into()),
        Transitioned::Missing => Err(Error::NotFound { what: "campaign" }),
    }
}

/// Fixes what the draft will be sent as, or says why it cannot be sent.
async fn freeze(tx: &mut Tx, draft: Row, transition: Transition, now: DateTime<Utc>) -> Result<(), Error> {
    if transition == Transition::Schedule && draft.plan.starts_at.is_none() {
        return Err(Error::invalid(
            "schedule.at",
            "names no time: start the campaign instead",
        ));
    }
    if draft.kind == Kind::Triggered {
        return Ok(());
    }
    let Some(audience_id) = draft.plan.audience_id else {
        return Err(Error::Fault("a draft without audience".to_owned()));
    };
    let audience = database::audience::find(&mut *tx, audience_id)
        .await?
        .ok_or_else(|| Error::Fault("a draft's audience is not there".to_owned()))?;
    if audience.state != AudienceState::Ready {
        return Err(Error::AudienceNotReady(audience.state));
    }
    check_variables(
        &json::read("a campaign's message", &draft.plan.message)?,
        &audience,
    )?;
    let plan = Plan {
        lane: Lane::for_audience(audience.progress.size),
        ..draft.plan
    };
    // The version compared here is that of the plan read above, and its row is locked from here
    // on: nobody can put another audience under the campaign that is being started.
    match database::campaign::update_draft(tx, draft.id, draft.version, &plan, now).await? {
        Change::Applied => {}
        Change::Stale => return Err(why_stale(&find_row(tx, draft.id).await?, draft.version)),
    }
    let progress = &audience.progress;
    match database::campaign::set_audience_size(tx, draft.id, progress.size, progress.chunk_count).await? {
        Change::Applied => Ok(()),
        Change::Stale => Err(Error::Fault("a locked draft has no size to set".to_owned())),
    }
}
