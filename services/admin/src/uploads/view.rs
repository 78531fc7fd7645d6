//! Uploads as the API shows them.

use axum::extract::State;
use axum::response::Response;
use campaign::AudienceId;
use database::audience::AudienceState;
use database::upload::{self, Expected};
use database::upload_part::{self, MAX_PART_BYTES, PartHeader};
use runtime::Backends;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::MAX_PARTS;
use super::digest::PartDigest;
use crate::answer::Done;
use crate::error::Error;
use crate::request::Segments;
use crate::schema;

/// A file that comes in parts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Upload {
    /// That of the audience it becomes.
    id: Uuid,
    /// For people.
    name: String,
    /// `uploading` while parts may come; from then on, where the audience is.
    #[schema(value_type = schema::AudienceState)]
    state: &'static str,
    /// The most bytes of a part.
    part_max_bytes: u32,
    /// Bytes of the whole file, where that was said.
    size: Option<u64>,
    /// Parts of the whole file, where that was said.
    parts: Option<u32>,
    /// Bytes that are here.
    received_bytes: u64,
    /// Parts that are here, by number; none any more once they are imported.
    received: Vec<Part>,
}

/// One part of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Part {
    /// Counted from 0.
    no: u32,
    /// In bytes.
    size: u32,
    /// As in `Content-Digest`.
    digest: String,
}

impl Upload {
    /// Of which no part is here.
    pub(super) fn begun(id: AudienceId, name: &str, expected: Expected) -> Self {
        Self {
            id: id.0,
            name: name.to_owned(),
            state: AudienceState::Uploading.as_str(),
            part_max_bytes: MAX_PART_BYTES as u32,
            size: expected.size,
            parts: expected.parts,
            received_bytes: 0,
            received: Vec::new(),
        }
    }
}

impl Part {
    pub(super) fn new(no: u32, size: u32, digest: PartDigest) -> Self {
        Self {
            no,
            size,
            digest: digest.to_string(),
        }
    }

    fn of(header: &PartHeader) -> Self {
        Self::new(header.no, header.size, PartDigest(header.sha256))
    }
}

/// Show which parts of an upload are here.
#[utoipa::path(
    get, path = "/v1/uploads/{id}", tag = "audiences", operation_id = "get_upload",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "What is here", body = Upload))
)]
pub(super) async fn get(
    State(backends): State<Backends>,
    Segments(id): Segments<Uuid>,
) -> Result<Response, Error> {
    let (id, missing) = (AudienceId(id), Error::NotFound { what: "upload" });
    let expected = upload::find(&backends.db, id).await?;
    let audience = database::audience::find(&backends.db, id).await?;
    let (Some(expected), Some(audience)) = (expected, audience) else {
        return Err(missing);
    };
    let parts = upload_part::list(&backends.files, id, 0, MAX_PARTS).await?;
    Ok(Done::Ok.with(Upload {
        state: audience.state.as_str(),
        received_bytes: parts.iter().map(|part| u64::from(part.size)).sum(),
        received: parts.iter().map(Part::of).collect(),
        ..Upload::begun(id, &audience.name, expected)
    }))
}
