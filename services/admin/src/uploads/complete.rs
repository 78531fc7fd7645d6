//! Ends an upload: every part is there, and they are the file.

use audience::FileSettings;
use axum::extract::State;
use axum::response::Response;
use campaign::AudienceId;
use database::audience::{Audience as Row, AudienceState};
use database::upload::{self, Expected};
use database::upload_part::{self, PartHeader};
use database::{Change, Tx};
use runtime::Backends;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::MAX_PARTS;
use crate::answer::Done;
use crate::audiences::{Audience, Extent, check_header};
use crate::error::Error;
use crate::json;
use crate::openapi::Conflicting;
use crate::request::{Body, Segments};
use crate::transaction::conclude;

/// Missing parts that are named; there may be more.
const NAMED: usize = 100;

/// What the file is made of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Completion {
    /// How many parts it has: those numbered from 0 to one less.
    #[schema(minimum = 1, maximum = 10_000)]
    parts: u32,
}

/// Say that every part is there.
///
/// If one is missing it is 409, and `missing` names the first of them. A repeat gets the audience as
/// it is by then.
#[utoipa::path(
    post, path = "/v1/uploads/{id}/complete", tag = "audiences", operation_id = "complete_upload",
    params(("id" = Uuid, Path)), request_body = Completion,
    responses(
        (status = 202, description = "It is an audience, and to be imported", body = Audience),
        (status = 409, response = Conflicting),
    )
)]
pub(super) async fn complete(
    State(backends): State<Backends>,
    Segments(id): Segments<Uuid>,
    body: Body<Completion>,
) -> Result<Response, Error> {
    let (id, parts) = (AudienceId(id), body.content.parts);
    if !(1..=MAX_PARTS).contains(&parts) {
        return Err(Error::invalid("parts", format!("must be from 1 to {MAX_PARTS}")));
    }
    let (row, expected) = find(&backends, id).await?;
    if row.state == AudienceState::Uploading {
        let bytes = check(&backends, &row, expected, parts).await?;
        let mut tx = backends.db.begin().await?;
        let completed = complete_in(&mut tx, id, bytes, &backends).await;
        // Stale: somebody else was faster, in one way or the other.
        let _: Change = conclude(tx, completed).await?;
        backends.nudges.import.nudge();
    }
    let (row, _) = find(&backends, id).await?;
    match row.state {
        AudienceState::Cancelled => Err(Error::UploadOver(row.state)),
        AudienceState::Uploading
        | AudienceState::Uploaded
        | AudienceState::Importing
        | AudienceState::Ready
        | AudienceState::Refused => Ok(Done::Accepted.with(Audience::of(row)?)),
    }
}

async fn find(backends: &Backends, id: AudienceId) -> Result<(Row, Expected), Error> {
    let expected = upload::find(&backends.db, id).await?;
    let row = database::audience::find(&backends.db, id).await?;
    row.zip(expected).ok_or(Error::NotFound { what: "upload" })
}

/// Whether the parts are the whole file, and how many bytes it has. They cannot change from here on:
/// each number below `parts` is taken.
async fn check(backends: &Backends, row: &Row, expected: Expected, parts: u32) -> Result<u64, Error> {
    if let Some(expected) = expected.parts
        && expected != parts
    {
        let reason = format!("must be {expected}, as was said when the upload was begun");
        return Err(Error::invalid("parts", reason));
    }
    let headers = upload_part::list(&backends.files, row.id, 0, MAX_PARTS).await?;
    check_numbers(&headers, parts)?;
    let bytes = headers.iter().map(|part| u64::from(part.size)).sum();
    let limit = backends.process.config.admin.upload_max_bytes.get();
    if bytes > limit {
        return Err(Error::BodyTooLarge { limit });
    }
    match expected.size {
        Some(expected) if expected != bytes => {
            return Err(Error::SizeDiffers {
                expected,
                received: bytes,
            });
        }
        Some(_) | None => {}
    }
    if parts == 1 {
        let settings: FileSettings = json::read("an upload's settings", &row.settings)?;
        let file = upload_part::find(&backends.files, row.id, 0).await?;
        check_header(backends, &file.unwrap_or_default(), Extent::Whole, settings)?;
    }
    Ok(bytes)
}

fn check_numbers(headers: &[PartHeader], parts: u32) -> Result<(), Error> {
    if let Some(beyond) = headers.iter().find(|part| part.no >= parts) {
        return Err(Error::PartBeyond { no: beyond.no, parts });
    }
    let missing = parts - headers.len() as u32;
    if missing > 0 {
        let is_missing = |no: &u32| headers.binary_search_by_key(no, |part| part.no).is_err();
        let named = (0..parts).filter(is_missing).take(NAMED).collect();
        return Err(Error::PartsMissing {
            named,
            count: missing,
        });
    }
    Ok(())
}

async fn complete_in(tx: &mut Tx, id: AudienceId, bytes: u64, backends: &Backends) -> Result<Change, Error> {
    let now = backends.process.clock.now();
    match database::audience::add_uploaded(tx, id, bytes, now).await? {
        Change::Applied => Ok(database::audience::complete_upload(tx, id, now).await?),
        Change::Stale => Ok(Change::Stale),
    }
}
