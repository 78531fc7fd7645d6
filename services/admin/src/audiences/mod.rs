//! `/v1/audiences`: lists of recipients, from files or given inline.

mod create;
mod events;
mod file;
mod inline;
mod preview;
mod sources;
mod stream;
mod upload;
mod view;

use axum::extract::State;
use axum::response::Response;
use campaign::AudienceId;
use chrono::{DateTime, Utc};
use database::audience::AudienceState;
use database::{Change, Executor, Tx, upload_part};
use runtime::Backends;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::Done;
use crate::error::Error;
use crate::openapi::Conflicting;
use crate::page::{List, Page, PageParameters};
use crate::request::{Parameters, Segments};
use crate::transaction::conclude;

pub(crate) use file::{Extent, check_header, zip_limits};
pub(crate) use inline::upload as inline_upload;
pub(crate) use sources::{MadeOf, Mode};
pub(crate) use stream::Stream;
pub(crate) use upload::Upload;
pub(crate) use view::Audience;

use view::AudienceProgress;

const NO_AUDIENCE: Error = Error::NotFound { what: "audience" };

/// The routes of audiences.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new()
        .routes(routes!(list, create::create))
        .routes(routes!(get))
        .routes(routes!(progress))
        .routes(routes!(events::events))
        .routes(routes!(preview::preview))
        .routes(routes!(cancel))
        .routes(routes!(pause))
        .routes(routes!(resume))
}

/// List audiences, newest first.
#[utoipa::path(
    get, path = "/v1/audiences", tag = "audiences", operation_id = "list_audiences",
    params(PageParameters), responses((status = 200, description = "A page", body = Page<Audience>))
)]
async fn list(
    State(backends): State<Backends>,
    Parameters(page): Parameters<PageParameters>,
) -> Result<Response, Error> {
    let limit = page.limit()?;
    let before = page.after(List::Audiences)?.map(AudienceId);
    let rows = database::audience::list(&backends.db, before, limit + 1).await?;
    let page = List::Audiences.page(rows, limit, |row| row.id.0, Audience::of)?;
    Ok(Done::Ok.with(page))
}

/// Show an audience.
#[utoipa::path(
    get, path = "/v1/audiences/{id}", tag = "audiences", operation_id = "get_audience",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The audience", body = Audience))
)]
async fn get(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    Ok(Done::Ok.with(find_in(&backends.db, AudienceId(id)).await?))
}

/// Show how far an audience's import is.
#[utoipa::path(
    get, path = "/v1/audiences/{id}/progress", tag = "audiences", operation_id = "get_audience_progress",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "How far it is", body = AudienceProgress))
)]
async fn progress(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    Ok(Done::Ok.with(find_progress(&backends, AudienceId(id)).await?))
}

/// While the file comes in, its parts say how much of it is here.
async fn find_progress(backends: &Backends, id: AudienceId) -> Result<AudienceProgress, Error> {
    let mut row = database::audience::find(&backends.db, id)
        .await?
        .ok_or(NO_AUDIENCE)?;
    if row.state == AudienceState::Uploading {
        row.uploaded_bytes = upload_part::sum(&backends.files, id).await?;
    }
    AudienceProgress::of(row)
}

/// Give an audience up before it is ready.
///
/// A repeat, and an audience that is ready or refused, is 409.
#[utoipa::path(
    post, path = "/v1/audiences/{id}/cancel", tag = "audiences", operation_id = "cancel_audience",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "It is cancelled", body = Audience),
        (status = 409, response = Conflicting),
    )
)]
async fn cancel(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let mut tx = backends.db.begin().await?;
    let cancelled = cancel_in(&mut tx, AudienceId(id), backends.process.clock.now()).await;
    Ok(Done::Ok.with(conclude(tx, cancelled).await?))
}

async fn cancel_in(tx: &mut Tx, id: AudienceId, now: DateTime<Utc>) -> Result<Audience, Error> {
    let change = database::audience::cancel(tx, id, now).await?;
    let row = database::audience::find(tx, id).await?.ok_or(NO_AUDIENCE)?;
    match change {
        Change::Applied => Audience::of(row),
        Change::Stale => Err(Error::AudienceOver(row.state)),
    }
}

/// Hold an audience's import where it is.
///
/// What is stored stays, and nothing more is. A repeat, and an audience that is uploading, ready,
/// refused or cancelled, is 409.
#[utoipa::path(
    post, path = "/v1/audiences/{id}/pause", tag = "audiences", operation_id = "pause_audience",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "Its import is held", body = Audience),
        (status = 409, response = Conflicting),
    )
)]
async fn pause(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let mut tx = backends.db.begin_ahead().await?;
    let paused = pause_in(&mut tx, AudienceId(id), backends.process.clock.now()).await;
    Ok(Done::Ok.with(conclude(tx, paused).await?))
}

async fn pause_in(tx: &mut Tx, id: AudienceId, now: DateTime<Utc>) -> Result<Audience, Error> {
    let change = database::audience::pause(tx, id, now).await?;
    let row = database::audience::find(tx, id).await?.ok_or(NO_AUDIENCE)?;
    match change {
        Change::Applied => Audience::of(row),
        Change::Stale => Err(Error::AudienceNotPaused(row.state)),
    }
}

/// Let an audience's import go on.
///
/// A repeat, and an import that is not held, is 409.
#[utoipa::path(
    post, path = "/v1/audiences/{id}/resume", tag = "audiences", operation_id = "resume_audience",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "Its import goes on", body = Audience),
        (status = 409, response = Conflicting),
    )
)]
async fn resume(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let mut tx = backends.db.begin().await?;
    let resumed = resume_in(&mut tx, AudienceId(id), backends.process.clock.now()).await;
    let answer = Done::Ok.with(conclude(tx, resumed).await?);
    backends.nudges.import.nudge();
    Ok(answer)
}

async fn resume_in(tx: &mut Tx, id: AudienceId, now: DateTime<Utc>) -> Result<Audience, Error> {
    let change = database::audience::resume(tx, id, now).await?;
    let row = database::audience::find(tx, id).await?.ok_or(NO_AUDIENCE)?;
    match change {
        Change::Applied => Audience::of(row),
        Change::Stale => Err(Error::AudienceNotHeld(row.state)),
    }
}

async fn find_in(on: impl Executor, id: AudienceId) -> Result<Audience, Error> {
    let row = database::audience::find(on, id).await?;
    Audience::of(row.ok_or(NO_AUDIENCE)?)
}
