//! The one place that turns errors into HTTP.
//!
//! A problem's `type` is stable and what programs decide by; the field, state or line that it is
//! about stands beside it. Faults of ours, and of the stores, are logged here and not told.

use axum::response::{IntoResponse, Response};
use campaign::{CampaignStateError, Position};
use http::header::{CONTENT_RANGE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use runtime::service::Problem;
use tracing::{error, warn};

use crate::error::Error;
use crate::once::replay;

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Self::Answered(answered) = self {
            return replay(answered).unwrap_or_else(Self::into_response);
        }
        let mut response = self.problem().into_response();
        let status = response.status();
        let cause: &dyn std::error::Error = &self;
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        } else if let Self::RangeBeyond { size } = self {
            let range = HeaderValue::try_from(format!("bytes */{size}"));
            headers.insert(CONTENT_RANGE, range.expect("a number is visible ASCII"));
        } else if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            warn!(error = cause, "a request could not be carried out");
        } else if status == StatusCode::INTERNAL_SERVER_ERROR {
            error!(error = cause, "a request met a fault");
        }
        response
    }
}

impl Error {
    fn problem(&self) -> Problem {
        let problem = |status, name, title| Problem::new(status, name, title).detail(self.to_string());
        match self {
            Self::ForeignOrigin => problem(StatusCode::FORBIDDEN, "foreign-origin", "another site asks"),
            Self::Unauthorized => problem(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "the token is missing or wrong",
            ),
            Self::Invalid { field, position, .. } => at(
                problem(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "invalid",
                    "a value is not accepted",
                ),
                *position,
            )
            .with("field", field.as_str()),
            Self::NotJson { line, column, .. } => at(
                problem(StatusCode::BAD_REQUEST, "not-json", "the body cannot be read"),
                Some(Position {
                    line: *line,
                    column: *column,
                }),
            ),
            Self::MediaType { .. } => problem(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media-type",
                "the body is of a wrong type",
            ),
            Self::BodyTooLarge { limit } => problem(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "the body is too large",
            )
            .with("limit", *limit),
            Self::BodyBroken => problem(
                StatusCode::BAD_REQUEST,
                "body-incomplete",
                "the body is incomplete",
            ),
            Self::BodyStalled => problem(
                StatusCode::REQUEST_TIMEOUT,
                "body-incomplete",
                "the body is incomplete",
            ),
            Self::NotFound { .. } => problem(StatusCode::NOT_FOUND, "not-found", "it is not there"),
            Self::NoAudience => problem(
                StatusCode::CONFLICT,
                "no-audience",
                "the campaign has no audience",
            ),
            Self::WrongState(CampaignStateError { from, .. })
            | Self::NotDraft(from)
            | Self::NotRunning(from)
            | Self::NoRecipientsYet(from) => problem(
                StatusCode::CONFLICT,
                "campaign-state",
                "the campaign's state does not allow it",
            )
            .with("state", from.as_str()),
            Self::Pruned => problem(
                StatusCode::CONFLICT,
                "campaign-pruned",
                "the campaign's pushes are deleted",
            ),
            Self::AudienceNotReady(state)
            | Self::AudienceOver(state)
            | Self::AudienceNotPaused(state)
            | Self::AudienceNotHeld(state) => problem(
                StatusCode::CONFLICT,
                "audience-state",
                "the audience's state does not allow it",
            )
            .with("state", state.as_str()),
            Self::UploadOver(state) => problem(StatusCode::CONFLICT, "upload-over", "the upload is over")
                .with("state", state.as_str()),
            Self::DigestDiffers => problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "digest-differs",
                "the part came through wrong",
            )
            .with("field", "Content-Digest"),
            Self::PartDiffers { no } => {
                problem(StatusCode::CONFLICT, "part-differs", "the part's number is taken").with("part", *no)
            }
            Self::PartsMissing { named, count } => {
                problem(StatusCode::CONFLICT, "parts-missing", "the file is not whole")
                    .with("missing", named.clone())
                    .with("missing_count", *count)
            }
            Self::PartBeyond { no, .. } => {
                problem(StatusCode::CONFLICT, "part-beyond", "there are more parts").with("part", *no)
            }
            Self::SizeDiffers { expected, received } => {
                problem(StatusCode::CONFLICT, "size-differs", "the file has another size")
                    .with("expected", *expected)
                    .with("received", *received)
            }
            Self::ReportMaking => problem(
                StatusCode::CONFLICT,
                "report-making",
                "the report is not there yet",
            ),
            Self::ReportExpired => problem(StatusCode::GONE, "report-expired", "the report is gone"),
            Self::RangeBeyond { size } => problem(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "range-beyond",
                "the file has no such bytes",
            )
            .with("size", *size),
            Self::HeldBack => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "held-back",
                "the databases are under load",
            ),
            Self::VersionMissing => problem(
                StatusCode::PRECONDITION_REQUIRED,
                "version-missing",
                "a version is needed",
            ),
            Self::VersionDiffers { current } => problem(
                StatusCode::PRECONDITION_FAILED,
                "version-differs",
                "somebody else was faster",
            )
            .with("version", *current),
            Self::KeyReused => problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "the key belongs to another request",
            )
            .with("field", "Idempotency-Key"),
            Self::FileRefused(refusal) => problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "audience-file",
                "the file cannot become an audience",
            )
            .with("reason", refusal.as_str()),
            Self::BeingErased { field } => {
                problem(StatusCode::CONFLICT, "being-erased", "the user is being erased")
                    .with("field", field.as_str())
            }
            Self::Stopping => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "stopping",
                "the process is stopping",
            ),
            Self::OutcomeUnknown(_) => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "outcome-unknown",
                "the answer of a store was lost",
            ),
            Self::Sql(error) => of_sql(error),
            Self::Datastore(error) if error.is_passing() => store_unavailable("datastore"),
            Self::Datastore(_) | Self::Fault(_) | Self::Answered(_) => Problem::internal(),
        }
    }
}

fn at(problem: Problem, position: Option<Position>) -> Problem {
    match position {
        Some(Position { line, column }) => problem.with("line", line).with("column", column),
        None => problem,
    }
}

fn of_sql(error: &database::Error) -> Problem {
    match error {
        database::Error::Busy(_) | database::Error::Unreachable(_) | database::Error::Unsuitable(_) => {
            store_unavailable("sql")
        }
        database::Error::UniqueViolation(_) | database::Error::Refused(_) | database::Error::Fault(_) => {
            Problem::internal()
        }
    }
}

fn store_unavailable(store: &'static str) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "store-unavailable",
        "a store cannot be used now",
    )
    .detail("nothing was changed; try again later")
    .with("store", store)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::Value;

    use super::*;

    /// What a database says that is gone.
    async fn gone() -> database::Error {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("a.db").display());
        let db = database::Db::connect(&database::Settings::new(url))
            .await
            .unwrap();
        db.close().await;
        db.begin().await.unwrap_err()
    }

    async fn told(error: Error) -> (StatusCode, Option<HeaderValue>, Value) {
        let (parts, body) = error.into_response().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let retry_after = parts.headers.get(RETRY_AFTER).cloned();
        (parts.status, retry_after, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_commit_whose_answer_was_lost_is_told_from_one_that_did_not_happen() {
        let (lost, come_back, lost_body) = told(Error::OutcomeUnknown(gone().await)).await;
        let (failed, _, failed_body) = told(Error::Sql(gone().await)).await;

        assert_eq!(
            (lost, failed),
            (StatusCode::SERVICE_UNAVAILABLE, StatusCode::SERVICE_UNAVAILABLE)
        );
        assert!(come_back.is_some());
        assert_eq!(lost_body["type"], "urn:noroshi:problem:outcome-unknown");
        assert!(
            lost_body["detail"]
                .as_str()
                .unwrap()
                .contains("same Idempotency-Key")
        );
        assert_eq!(failed_body["type"], "urn:noroshi:problem:store-unavailable");
    }

    #[tokio::test]
    async fn a_fault_of_ours_tells_nothing_of_itself() {
        let (status, come_back, body) = told(Error::Fault("secret".to_owned())).await;

        assert_eq!((status, come_back), (StatusCode::INTERNAL_SERVER_ERROR, None));
        assert!(!body.to_string().contains("secret"));
    }
}
