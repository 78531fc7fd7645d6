//! Errors over HTTP, as RFC 9457 has them.
//!
//! A service turns its own errors into [`Problem`]s. What the framework answers by itself (a
//! body that is too large, JSON that does not parse, a route that does not exist) is turned
//! into one here, so that a client meets one shape only.

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use serde_json::{Map, Value};

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Longest text of the framework's that becomes a detail.
const DETAIL: usize = 4_096;

/// One error as its client sees it. `type` is stable and what a program decides by; `title` and
/// `detail` are for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    #[serde(serialize_with = "number")]
    status: StatusCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Problem {
    /// A problem of the type `urn:noroshi:problem:{name}`.
    pub fn new(status: StatusCode, name: &str, title: &'static str) -> Self {
        let kind = format!("urn:noroshi:problem:{name}");
        Self {
            kind,
            title,
            status,
            detail: None,
            more: Map::new(),
        }
    }

    /// What is wrong in this case.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// One more member, for programs: the field, the row, the state.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.more.insert(member.to_owned(), value.into());
        self
    }

    /// A fault of ours, of which the log says more.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "an internal error; the log has it under this request's id",
        )
    }

    /// The problem of a status that the framework answered.
    fn of(status: StatusCode) -> Self {
        let (name, title) = match status {
            StatusCode::NOT_FOUND => ("not-found", "there is nothing at this address"),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("method-not-allowed", "this address does not take this method")
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("body-too-large", "the body is larger than this address takes"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("media-type", "this address does not take this content type")
            }
            StatusCode::UNPROCESSABLE_ENTITY => {
                ("invalid", "the request was understood and cannot be carried out")
            }
            status if status.is_server_error() => {
                return Self {
                    status,
                    ..Self::internal()
                };
            }
            _ => ("bad-request", "the request cannot be read"),
        };
        Self::new(status, name, title)
    }
}

fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        response
    }
}

pub(super) async fn no_such_route() -> Problem {
    Problem::of(StatusCode::NOT_FOUND)
}

pub(super) async fn no_such_method() -> Problem {
    Problem::of(StatusCode::METHOD_NOT_ALLOWED)
}

/// Turns an error that is bare, or plain text, into a problem; its headers stay. A client's
/// error keeps its text as the detail, one of ours does not.
pub(super) async fn of_bare_error(response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || !is_bare(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = if status.is_client_error() {
        text(body).await
    } else {
        None
    };
    let problem = Problem {
        detail: text,
        ..Problem::of(status)
    };
    let (ours, body) = problem.into_response().into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.extend(ours.headers);
    Response::from_parts(parts, body)
}

fn is_bare(response: &Response) -> bool {
    response
        .headers()
        .get(CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

async fn text(body: Body) -> Option<String> {
    let bytes = Limited::new(body, DETAIL).collect().await.ok()?.to_bytes();
    String::from_utf8(bytes.to_vec())
        .ok()
        .filter(|text| !text.is_empty())
}
