//! `/v1/audiences`: lists of recipients, from files or given inline.

mod file;
mod inline;
mod stream;
mod upload;
mod view;

use audience::{Delimiter, Encoding, FileSettings};
use axum::extract::{Request, State};
use axum::response::Response;
use campaign::AudienceId;
use chrono::{DateTime, Utc};
use database::{Change, Executor, Tx};
use runtime::Backends;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::Done;
use crate::error::Error;
use crate::field::check_name;
use crate::once::{Begun, Incoming, KeyHeader};
use crate::openapi::{Conflicting, Missing, TooLarge, Unaccepted, WrongType};
use crate::page::{List, Page, PageParameters};
use crate::request::{Parameters, Segments, has_media_type, parse_json, read_all};
use crate::schema;
use crate::transaction::conclude;

pub(crate) use inline::upload as inline_upload;
pub(crate) use upload::Upload;

use inline::InlineAudience;
use stream::Stream;
use view::{Audience, AudienceProgress};

const CREATE: &str = "POST /v1/audiences";
const NO_AUDIENCE: Error = Error::NotFound { what: "audience" };

/// The routes of audiences.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get))
        .routes(routes!(progress))
        .routes(routes!(cancel))
}

/// What is said about a file beside it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UploadParameters {
    /// For people; 1 to 255 characters. A JSON body has its own.
    name: Option<String>,
    /// What separates the file's fields; found from its header when not given.
    #[param(value_type = Option<schema::Delimiter>)]
    delimiter: Option<Delimiter>,
    /// How the file is written; found from its start when not given.
    #[param(value_type = Option<schema::Encoding>)]
    encoding: Option<Encoding>,
}

/// Upload an audience file, or give up to 10,000 user ids as JSON.
///
/// The file is CSV with a header that has a column `user_id`; it is stored as it streams in and
/// imported afterwards. A file whose header cannot be an audience's is refused here.
#[utoipa::path(
    post, path = "/v1/audiences", tag = "audiences", operation_id = "create_audience",
    params(UploadParameters, KeyHeader),
    request_body(
        description = "The file, or a list of user ids",
        content((String = "text/csv"), (String = "application/octet-stream"), (InlineAudience = "application/json"))
    ),
    responses(
        (status = 202, description = "Stored, and to be imported", body = Audience),
        (status = 413, response = TooLarge),
        (status = 415, response = WrongType),
        (status = 422, response = Unaccepted),
    )
)]
async fn create(
    State(backends): State<Backends>,
    Parameters(parameters): Parameters<UploadParameters>,
    incoming: Incoming,
    request: Request,
) -> Result<Response, Error> {
    let headers = request.headers();
    if has_media_type(headers, "application/json") {
        return create_inline(&backends, &parameters, incoming, request).await;
    }
    if !has_media_type(headers, "text/csv") && !has_media_type(headers, "application/octet-stream") {
        return Err(Error::MediaType {
            expected: "text/csv, application/octet-stream or application/json",
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
    let upload = Upload::new(name, settings);
    receive(
        &backends,
        upload,
        incoming,
        Stream::new(request.into_body(), limit),
    )
    .await
}

async fn create_inline(
    backends: &Backends,
    parameters: &UploadParameters,
    incoming: Incoming,
    request: Request,
) -> Result<Response, Error> {
    if parameters.name.is_some() || parameters.delimiter.is_some() || parameters.encoding.is_some() {
        return Err(Error::invalid(
            "query",
            "parameters belong to files: a JSON body says all itself",
        ));
    }
    let bytes = read_all(request, backends).await?;
    let InlineAudience { name, user_ids } = parse_json(&bytes)?;
    check_name("name", &name)?;
    let mut upload = inline_upload(name, &user_ids)?;
    let once = incoming.with_body(CREATE, &bytes);
    let mut tx = match once.begin(&backends.db).await? {
        Begun::New(tx) => tx,
        Begun::Answered(answer) => return Ok(answer),
    };
    let stored = complete(backends, &mut tx, &mut upload).await;
    let answer = once.conclude(backends, tx, stored, Done::Accepted).await?;
    backends.nudges.import.nudge();
    Ok(answer)
}

/// Takes a file in. When its key is known it is only read, to tell a repeat from another file.
async fn receive(
    backends: &Backends,
    mut upload: Upload,
    mut incoming: Incoming,
    mut stream: Stream,
) -> Result<Response, Error> {
    let known = incoming.is_known(&backends.db, CREATE).await?;
    let received = async {
        while let Some(bytes) = stream.next(backends).await? {
            incoming.update(&bytes);
            if !known {
                upload.push(backends, &bytes).await?;
            }
        }
        let once = incoming.received(CREATE);
        let mut tx = match once.begin(&backends.db).await? {
            Begun::New(tx) => tx,
            Begun::Answered(answer) => return Ok(answer),
        };
        fault_points::reach!(UploadStored);
        let completed = complete(backends, &mut tx, &mut upload).await;
        once.conclude(backends, tx, completed, Done::Accepted).await
    }
    .await;
    // Takes nothing from an upload that ended; one that failed, or met its own first answer, is
    // gone with this.
    upload.take_back(backends).await;
    backends.nudges.import.nudge();
    received
}

async fn complete(backends: &Backends, tx: &mut Tx, upload: &mut Upload) -> Result<Audience, Error> {
    upload.complete(tx, backends.process.clock.now()).await?;
    find_in(tx, upload.id()).await
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
    responses((status = 200, description = "The audience", body = Audience), (status = 404, response = Missing))
)]
async fn get(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    Ok(Done::Ok.with(find_in(&backends.db, AudienceId(id)).await?))
}

/// Show how far an audience's import is.
#[utoipa::path(
    get, path = "/v1/audiences/{id}/progress", tag = "audiences", operation_id = "get_audience_progress",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "How far it is", body = AudienceProgress), (status = 404, response = Missing))
)]
async fn progress(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let row = database::audience::find(&backends.db, AudienceId(id)).await?;
    Ok(Done::Ok.with(AudienceProgress::of(row.ok_or(NO_AUDIENCE)?)?))
}

/// Give an audience up before it is ready.
///
/// A repeat, and an audience that is ready or refused, is 409.
#[utoipa::path(
    post, path = "/v1/audiences/{id}/cancel", tag = "audiences", operation_id = "cancel_audience",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "It is cancelled", body = Audience),
        (status = 404, response = Missing),
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

async fn find_in(on: impl Executor, id: AudienceId) -> Result<Audience, Error> {
    let row = database::audience::find(on, id).await?;
    Audience::of(row.ok_or(NO_AUDIENCE)?)
}
