//! Taking audiences in: a file as it streams, or user ids in a JSON body.

use audience::{Delimiter, Encoding, FileSettings};
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use database::Tx;
use runtime::Backends;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::find_in;
use super::inline::{self, InlineAudience};
use super::sources::{Given, JsonAudience, MadeOf, Mode};
use super::stream::Stream;
use super::upload::Upload;
use super::view::Audience;
use crate::answer::Done;
use crate::error::Error;
use crate::field::check_name;
use crate::once::{Incoming, KeyHeader};
use crate::openapi::Stalled;
use crate::request::{Parameters, has_media_type, parse_json, read_all};
use crate::schema;
use crate::uploads::UploadGate;

/// What a file may be said to be. A ZIP is known by its first bytes, whatever is said.
const FILE_TYPES: [&str; 3] = ["text/csv", "application/zip", "application/octet-stream"];

/// What is said about a file beside it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UploadParameters {
    /// For people; 1 to 255 characters. A JSON body has its own.
    name: Option<String>,
    /// What separates the file's fields; found from its header when not given.
    #[param(value_type = Option<schema::Delimiter>)]
    delimiter: Option<Delimiter>,
    /// How the file is written; found from its start when not given.
    #[param(value_type = Option<schema::Encoding>)]
    encoding: Option<Encoding>,
    /// What the file does with the audience `base`; it is an audience of its own when not given.
    mode: Option<Mode>,
    /// The audience of which this is to be a new version. It stays as it is, and so do campaigns to
    /// it.
    base: Option<Uuid>,
}

/// Upload an audience file, or give up to 10,000 user ids, or other lists, as JSON.
///
/// The file is CSV with a header that has a column `user_id`, or a ZIP with one such file in it; it is
/// stored as it streams in and imported afterwards. For large files, `/v1/uploads` takes them in
/// parts. A file whose header cannot be an audience's is refused here. With `mode` and `base` it makes
/// a new version of another audience.
#[utoipa::path(
    post, path = "/v1/audiences", tag = "audiences", operation_id = "create_audience",
    params(UploadParameters, KeyHeader),
    request_body(
        description = "The file, a list of user ids, or what the audience is made of",
        content((String = "text/csv"), (String = "application/zip"), (String = "application/octet-stream"), (JsonAudience = "application/json"))
    ),
    responses(
        (status = 202, description = "Stored, and to be imported", body = Audience),
        (status = 408, response = Stalled),
    )
)]
pub(super) async fn create(
    State(backends): State<Backends>,
    Extension(gate): Extension<UploadGate>,
    Parameters(parameters): Parameters<UploadParameters>,
    incoming: Incoming,
    request: Request,
) -> Result<Response, Error> {
    let headers = request.headers();
    if has_media_type(headers, "application/json") {
        return create_inline(&backends, &parameters, incoming, request).await;
    }
    if !FILE_TYPES.iter().any(|file| has_media_type(headers, file)) {
        return Err(Error::MediaType {
            expected: "text/csv, application/zip, application/octet-stream or application/json",
        });
    }
    let name = parameters
        .name
        .ok_or_else(|| Error::invalid("name", "must be given as a parameter beside a file"))?;
    check_name("name", &name)?;
    let limit = backends.process.config.admin.upload_max_bytes.get();
    let settings = FileSettings {
        delimiter: parameters.delimiter,
        encoding: parameters.encoding,
    };
    let made_of = MadeOf::file(parameters.mode.unwrap_or_default(), parameters.base)?;
    let stream = Stream::new(request.into_body(), limit);
    let upload = Upload::new(name, settings).made_of(made_of);
    receive(&backends, &gate, upload, incoming, stream).await
}

async fn create_inline(
    backends: &Backends,
    parameters: &UploadParameters,
    incoming: Incoming,
    request: Request,
) -> Result<Response, Error> {
    let UploadParameters {
        name,
        delimiter,
        encoding,
        mode,
        base,
    } = parameters;
    let are_given = [
        name.is_some(),
        delimiter.is_some(),
        encoding.is_some(),
        mode.is_some(),
        base.is_some(),
    ];
    if are_given.contains(&true) {
        return Err(Error::invalid(
            "query",
            "parameters belong to files: a JSON body says all itself",
        ));
    }
    let bytes = read_all(request, backends).await?;
    let audience: JsonAudience = parse_json(&bytes)?;
    let mut upload = match audience.given()? {
        Given::Users(InlineAudience { name, user_ids }) => {
            check_name("name", &name)?;
            inline::upload(name, &user_ids)?
        }
        Given::Lists(name, made_of) => {
            check_name("name", &name)?;
            Upload::new(name, FileSettings::default())
                .without_file()
                .made_of(made_of)
        }
    };
    let known = incoming.is_known(&backends.db).await?;
    let once = incoming.with_body(&bytes);
    let created = async {
        if !known {
            upload.store_rest(backends).await?;
        }
        let mut tx = once.begin(&backends.db).await?;
        let completed = complete(backends, &mut tx, &upload).await;
        once.conclude(backends, tx, completed, Done::Accepted).await
    }
    .await;
    upload.take_back(backends).await;
    backends.nudges.import.nudge();
    created
}

/// Takes a file in. When its key is known it is only read, to tell a repeat from another file.
async fn receive(
    backends: &Backends,
    gate: &UploadGate,
    mut upload: Upload,
    mut incoming: Incoming,
    mut stream: Stream,
) -> Result<Response, Error> {
    let known = incoming.is_known(&backends.db).await?;
    let received = async {
        while let Some(bytes) = stream.next(backends).await? {
            incoming.update(&bytes);
            if !known {
                upload.push(backends, gate, &bytes).await?;
            }
        }
        if !known {
            upload.store_rest(backends).await?;
        }
        let once = incoming.received();
        let mut tx = once.begin(&backends.db).await?;
        fault_points::reach!(UploadStored);
        let completed = complete(backends, &mut tx, &upload).await;
        once.conclude(backends, tx, completed, Done::Accepted).await
    }
    .await;
    // Takes nothing from an upload that ended; one that failed, or met its own first answer, is
    // gone with this.
    upload.take_back(backends).await;
    backends.nudges.import.nudge();
    received
}

async fn complete(backends: &Backends, tx: &mut Tx, upload: &Upload) -> Result<Audience, Error> {
    upload.complete(tx, backends.process.clock.now()).await?;
    find_in(tx, upload.id()).await
}
