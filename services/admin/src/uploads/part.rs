//! Takes one part in.

use std::time::Duration;

use audience::FileSettings;
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use campaign::AudienceId;
use database::audience::Audience;
use database::upload_part::{self, MAX_PART_BYTES, Stored};
use database::{Change, upload};
use runtime::Backends;
use utoipa::IntoParams;
use uuid::Uuid;

use super::digest::PartDigest;
use super::view::Part;
use super::{MAX_PARTS, UploadGate};
use crate::answer::Done;
use crate::audiences::{Extent, Stream, check_header};
use crate::error::Error;
use crate::json;
use crate::openapi::{Conflicting, Stalled};
use crate::request::Segments;
use crate::transaction::conclude;

/// How long a part waits while the load guard holds everything: little enough that client and proxy
/// are still there, and that the client hears soon when to come back.
const PATIENCE: Duration = Duration::from_secs(5);

/// The digest's header, for the API's document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "headers are read by hand; this describes them")]
pub(super) struct DigestHeader {
    /// The part's SHA-256 as RFC 9530 has it: `sha-256=:…:`, in Base64.
    #[param(rename = "Content-Digest")]
    digest: String,
}

/// Put a part.
///
/// A repeat with the same bytes is 200 and changes nothing; other bytes under a number that is taken
/// are 409. While the load guard holds everything it is 503 after a few seconds: come back after
/// `Retry-After`.
#[utoipa::path(
    put, path = "/v1/uploads/{id}/parts/{no}", tag = "audiences", operation_id = "put_upload_part",
    params(
        ("id" = Uuid, Path),
        ("no" = u32, Path, description = "Counted from 0", maximum = 9_999),
        DigestHeader
    ),
    request_body(description = "Its bytes, 1 to 1,048,576", content((String = "application/octet-stream"))),
    responses(
        (status = 201, description = "Stored", body = Part),
        (status = 200, description = "It was there", body = Part),
        (status = 408, response = Stalled),
        (status = 409, response = Conflicting),
    )
)]
pub(super) async fn put(
    State(backends): State<Backends>,
    Extension(gate): Extension<UploadGate>,
    Segments((id, no)): Segments<(Uuid, u32)>,
    request: Request,
) -> Result<Response, Error> {
    let id = AudienceId(id);
    if no >= MAX_PARTS {
        return Err(Error::invalid("no", format!("must be below {MAX_PARTS}")));
    }
    let digest = PartDigest::read(request.headers())?;
    let turn = gate.enter(&backends.process, PATIENCE).await?;
    let audience = begin(&backends, id).await?;
    let bytes = receive(&backends, request).await?;
    if PartDigest::of(&bytes) != digest {
        return Err(Error::DigestDiffers);
    }
    if no == 0 {
        let settings: FileSettings = json::read("an upload's settings", &audience.settings)?;
        check_header(&backends, &bytes, Extent::Start, settings)?;
    }
    let stored = store(&backends, id, no, digest, &bytes).await?;
    drop(turn);
    let part = Part::new(no, bytes.len() as u32, digest);
    match stored {
        Stored::New => Ok(Done::Created.with(part)),
        Stored::Existing => Ok(Done::Ok.with(part)),
        Stored::Differs => Err(Error::PartDiffers { no }),
    }
}

/// Finds the upload open, and keeps it so for another day.
async fn begin(backends: &Backends, id: AudienceId) -> Result<Audience, Error> {
    let missing = Error::NotFound { what: "upload" };
    if upload::find(&backends.db, id).await?.is_none() {
        return Err(missing);
    }
    let mut tx = backends.db.begin().await?;
    let touched = database::audience::touch_upload(&mut tx, id, backends.process.clock.now()).await;
    let touched = conclude(tx, touched).await?;
    let audience = database::audience::find(&backends.db, id).await?.ok_or(missing)?;
    match touched {
        Change::Applied => Ok(audience),
        Change::Stale => Err(Error::UploadOver(audience.state)),
    }
}

async fn receive(backends: &Backends, request: Request) -> Result<Vec<u8>, Error> {
    let mut stream = Stream::new(request.into_body(), MAX_PART_BYTES as u64);
    let mut bytes = Vec::new();
    while let Some(block) = stream.next(backends).await? {
        bytes.extend_from_slice(&block);
    }
    if bytes.is_empty() {
        return Err(Error::invalid("body", "a part has at least one byte"));
    }
    Ok(bytes)
}

async fn store(
    backends: &Backends,
    id: AudienceId,
    no: u32,
    digest: PartDigest,
    bytes: &[u8],
) -> Result<Stored, Error> {
    let mut tx = backends.files.begin().await?;
    let stored = upload_part::insert(&mut tx, id, no, &digest.0, bytes).await;
    conclude(tx, stored).await
}
