//! Reports: what became of an audience's rows, and of a campaign's recipients.
//!
//! They are files in SQL, made in the background, by the import and by a pass of their own, and given
//! out part by part. One that is ready never changes, so every download of it is the same.

mod campaign;
mod download;
mod range;

use ::campaign::{AudienceId, ReportId};
use axum::extract::State;
use axum::response::Response;
use database::audience::AudienceState;
use http::HeaderMap;
use runtime::Backends;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::error::Error;
use crate::openapi::{Conflicting, Gone};
use crate::request::Segments;
use download::{Download, RangeHeaders};

/// The routes of reports.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new()
        .routes(routes!(of_audience))
        .merge(campaign::routes())
}

/// Download what became of each row of an audience's file.
///
/// A ZIP with `report.csv`, one line a row in the order of the file, and `summary.json`. It is the
/// same however often it is fetched; a part of it is had by `Range`.
#[utoipa::path(
    get, path = "/v1/audiences/{id}/report", tag = "audiences", operation_id = "download_audience_report",
    params(("id" = Uuid, Path), RangeHeaders),
    responses(
        (status = 200, description = "The report", content_type = "application/zip", body = String),
        (status = 206, description = "The part that was asked for", content_type = "application/zip", body = String),
        (status = 304, description = "It is the one that the client has"),
        (status = 409, response = Conflicting),
        (status = 410, response = Gone),
        (status = 416, description = "It has no such bytes; `Content-Range` says how many it has"),
    )
)]
async fn of_audience(
    State(backends): State<Backends>,
    Segments(id): Segments<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    // In this order: whoever is through with the audience has made its report.
    let is_coming = is_coming(&backends, AudienceId(id)).await?;
    let report = database::report::get(&backends.files, ReportId(id)).await?;
    let report = match report {
        None if is_coming => return Err(Error::ReportMaking),
        report => report.ok_or(Error::NotFound { what: "report" })?,
    };
    let file = Download {
        report,
        kind: "application/zip",
        name: format!("audience-{id}.zip"),
    };
    file.answer(&backends, &headers)
}

/// Whether the audience's import goes on, or has yet to begin.
async fn is_coming(backends: &Backends, id: AudienceId) -> Result<bool, Error> {
    let audience = database::audience::find(&backends.db, id).await?;
    Ok(audience.is_some_and(|audience| match audience.state {
        AudienceState::Uploading | AudienceState::Uploaded | AudienceState::Importing => true,
        AudienceState::Ready => audience.phase.is_some(),
        AudienceState::Refused | AudienceState::Cancelled => false,
    }))
}
