//! Answers to requests that were carried out.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::ETAG;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// How a request was carried out, which decides its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// It is done.
    Ok,
    /// Something new is there.
    Created,
    /// It is written down, and the rest follows by itself.
    Accepted,
}

impl Done {
    /// Its status.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Ok => StatusCode::OK,
            Self::Created => StatusCode::CREATED,
            Self::Accepted => StatusCode::ACCEPTED,
        }
    }

    /// The answer with this content.
    pub(crate) fn with(self, content: impl Serialize) -> Response {
        (self.status(), Json(content)).into_response()
    }
}

/// The answer where there is nothing to say.
pub(crate) fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// The answer with the version that an update must name.
pub(crate) fn versioned(version: u32, content: impl Serialize) -> Response {
    let tag = HeaderValue::from_str(&format!("\"{version}\"")).expect("a quoted number is visible ASCII");
    ([(ETAG, tag)], Json(content)).into_response()
}
