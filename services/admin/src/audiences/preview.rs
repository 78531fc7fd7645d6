//! What a file will be understood as, before anything of it is imported.
//!
//! The start of the file is read as the import reads it; nothing is stored.

mod sample;

use audience::{Delimiter, Encoding, FileSettings};
use axum::extract::{Request, State};
use axum::response::Response;
use campaign::{AudienceId, CampaignId, Message, Templates};
use database::audience::AudienceState;
use database::upload_part::{self, MAX_PART_BYTES};
use runtime::Backends;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::file::Extent;
use super::stream::Stream;
use super::zip_limits;
use crate::answer::Done;
use crate::error::Error;
use crate::json;
use crate::request::Parameters;
use crate::schema;
use sample::Sample;

/// What is to be looked at, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PreviewParameters {
    /// Look at the first part of this upload, in the place of a body.
    upload: Option<Uuid>,
    /// Say which variables of this campaign's message the file does not have.
    campaign: Option<Uuid>,
    /// What separates the file's fields; found from its header when not given.
    #[param(value_type = Option<schema::Delimiter>)]
    delimiter: Option<Delimiter>,
    /// How the file is written; found from its start when not given.
    #[param(value_type = Option<schema::Encoding>)]
    encoding: Option<Encoding>,
}

/// What a file will be understood as.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Preview {
    #[serde(flatten)]
    sample: Sample,
    /// Variables that the campaign's message names and the file does not have; without a campaign,
    /// none.
    missing_variables: Vec<String>,
}

/// Show what a file will be understood as.
///
/// The body is the first mebibyte of the file, CSV or ZIP; a shorter one is taken for the whole. Up
/// to 1,000 rows are read; the first of them, and of those that would be rejected, are shown.
/// Nothing is stored. A file that can never be an audience is 422.
#[utoipa::path(
    post, path = "/v1/audiences/preview", tag = "audiences", operation_id = "preview_audience",
    params(PreviewParameters),
    request_body(
        description = "The first mebibyte of the file, or nothing where `upload` is given",
        content((String = "text/csv"), (String = "application/zip"), (String = "application/octet-stream"))
    ),
    responses((status = 200, description = "What it will be", body = Preview))
)]
pub(super) async fn preview(
    State(backends): State<Backends>,
    Parameters(parameters): Parameters<PreviewParameters>,
    request: Request,
) -> Result<Response, Error> {
    let given = FileSettings {
        delimiter: parameters.delimiter,
        encoding: parameters.encoding,
    };
    let mut stream = Stream::new(request.into_body(), MAX_PART_BYTES as u64);
    let mut start = Vec::new();
    while let Some(bytes) = stream.next(&backends).await? {
        start.extend_from_slice(&bytes);
    }
    let (start, extent, settings) = match parameters.upload {
        None => {
            let is_whole = start.len() < MAX_PART_BYTES;
            (start, if is_whole { Extent::Whole } else { Extent::Start }, given)
        }
        Some(_) if !start.is_empty() => {
            return Err(Error::invalid("upload", "must not be given beside a body"));
        }
        Some(upload) => of_upload(&backends, AudienceId(upload), given).await?,
    };
    let sample = Sample::of(&start, extent, settings, zip_limits(&backends.process.config))?;
    let missing_variables = match parameters.campaign {
        Some(campaign) => missing_variables(&backends, CampaignId(campaign), &sample.variables()).await?,
        None => Vec::new(),
    };
    Ok(Done::Ok.with(Preview {
        sample,
        missing_variables,
    }))
}

/// The first part of an upload, with its settings where none are given.
async fn of_upload(
    backends: &Backends,
    id: AudienceId,
    given: FileSettings,
) -> Result<(Vec<u8>, Extent, FileSettings), Error> {
    let missing = |reason| Error::invalid("upload", reason);
    let row = database::audience::find(&backends.db, id).await?;
    let row = row.ok_or_else(|| missing("there is no such upload"))?;
    let own: FileSettings = json::read("an upload's settings", &row.settings)?;
    let settings = FileSettings {
        delimiter: given.delimiter.or(own.delimiter),
        encoding: given.encoding.or(own.encoding),
    };
    let part = upload_part::find(&backends.files, id, 0).await?;
    let part = part.ok_or_else(|| missing("its first part is not here"))?;
    let is_whole = row.state != AudienceState::Uploading && row.uploaded_bytes == part.len() as u64;
    Ok((
        part,
        if is_whole { Extent::Whole } else { Extent::Start },
        settings,
    ))
}

async fn missing_variables(
    backends: &Backends,
    campaign: CampaignId,
    variables: &[String],
) -> Result<Vec<String>, Error> {
    let row = database::campaign::find(&backends.db, campaign).await?;
    let row = row.ok_or_else(|| Error::invalid("campaign", "there is no such campaign"))?;
    let message: Message = json::read("a campaign's message", &row.plan.message)?;
    let templates = Templates::compile(&message, None).map_err(Error::in_message)?;
    Ok(templates.unknown_variables(variables))
}
