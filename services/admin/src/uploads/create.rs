//! Begins an upload in parts.

use audience::{Delimiter, Encoding, FileSettings};
use axum::extract::State;
use axum::response::Response;
use campaign::AudienceId;
use chrono::{DateTime, Utc};
use database::Tx;
use database::upload::{self, Expected};
use runtime::Backends;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::MAX_PARTS;
use super::view::Upload;
use crate::answer::Done;
use crate::audiences::{MadeOf, Mode};
use crate::error::Error;
use crate::field::check_name;
use crate::json;
use crate::once::{Incoming, KeyHeader};
use crate::request::Body;
use crate::schema;

/// A file that is to come.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUpload {
    /// For people; 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// What separates the file's fields; found from its header when not given.
    #[schema(value_type = Option<schema::Delimiter>)]
    delimiter: Option<Delimiter>,
    /// How the file is written; found from its start when not given.
    #[schema(value_type = Option<schema::Encoding>)]
    encoding: Option<Encoding>,
    /// What the file does with the audience `base`; it is an audience of its own when not given.
    mode: Option<Mode>,
    /// The audience of which this is to be a new version. It stays as it is, and so do campaigns to
    /// it.
    base: Option<Uuid>,
    /// Bytes of the whole file, if that is known: what comes is held to it.
    #[schema(minimum = 1)]
    size: Option<u64>,
    /// Its parts, if that is known.
    #[schema(minimum = 1, maximum = 10_000)]
    parts: Option<u32>,
}

/// Begin an upload in parts.
///
/// The file, CSV or a ZIP with one CSV in it, is cut into parts of at most 1 MiB, by the client and
/// as it likes, numbered from 0. The answer's `id` is that of the audience it becomes.
#[utoipa::path(
    post, path = "/v1/uploads", tag = "audiences", operation_id = "create_upload",
    params(KeyHeader), request_body = NewUpload,
    responses((status = 201, description = "Parts may come", body = Upload))
)]
pub(super) async fn create(
    State(backends): State<Backends>,
    incoming: Incoming,
    body: Body<NewUpload>,
) -> Result<Response, Error> {
    let limit = backends.process.config.admin.upload_max_bytes.get();
    body.content.check(limit)?;
    let made_of = MadeOf::file(body.content.mode.unwrap_or_default(), body.content.base)?;
    let once = incoming.with_body(&body.bytes);
    let mut tx = once.begin(&backends.db).await?;
    let now = backends.process.clock.now();
    let created = create_in(&mut tx, &body.content, &made_of, now).await;
    once.conclude(&backends, tx, created, Done::Created).await
}

async fn create_in(
    tx: &mut Tx,
    new: &NewUpload,
    made_of: &MadeOf,
    now: DateTime<Utc>,
) -> Result<Upload, Error> {
    let id = AudienceId::allocate();
    let settings = FileSettings {
        delimiter: new.delimiter,
        encoding: new.encoding,
    };
    let expected = Expected {
        size: new.size,
        parts: new.parts,
    };
    database::audience::insert(tx, id, &new.name, &json::write(&settings)?, now).await?;
    made_of.store(tx, id).await?;
    upload::insert(tx, id, expected).await?;
    Ok(Upload::begun(id, &new.name, expected))
}

impl NewUpload {
    fn check(&self, limit: u64) -> Result<(), Error> {
        check_name("name", &self.name)?;
        match self.size {
            Some(0) => return Err(Error::invalid("size", "must be at least 1")),
            Some(size) if size > limit => return Err(Error::BodyTooLarge { limit }),
            Some(_) | None => {}
        }
        match self.parts {
            Some(parts) if !(1..=MAX_PARTS).contains(&parts) => {
                Err(Error::invalid("parts", format!("must be from 1 to {MAX_PARTS}")))
            }
            Some(_) | None => Ok(()),
        }
    }
}
