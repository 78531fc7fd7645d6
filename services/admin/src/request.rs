//! Reading requests strictly: what is not understood is refused, and named.

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use runtime::Backends;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::Error;

/// A JSON body, and its bytes as they came.
#[derive(Debug)]
pub(crate) struct Body<T> {
    pub(crate) content: T,
    pub(crate) bytes: Bytes,
}

impl<T: DeserializeOwned> FromRequest<Backends> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, backends: &Backends) -> Result<Self, Error> {
        if !has_media_type(request.headers(), "application/json") {
            return Err(Error::MediaType {
                expected: "application/json",
            });
        }
        let bytes = read_all(request, backends).await?;
        Ok(Self {
            content: parse_json(&bytes)?,
            bytes,
        })
    }
}

/// The parameters after the `?`.
#[derive(Debug)]
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Backends> for Parameters<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, backends: &Backends) -> Result<Self, Error> {
        match Query::from_request_parts(parts, backends).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(Error::invalid("query", rejection.body_text())),
        }
    }
}

/// The variable parts of the path.
#[derive(Debug)]
pub(crate) struct Segments<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Backends> for Segments<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, backends: &Backends) -> Result<Self, Error> {
        match Path::from_request_parts(parts, backends).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(rejection) => Err(Error::invalid("path", rejection.body_text())),
        }
    }
}

/// The whole body, up to the limit of JSON bodies.
pub(crate) async fn read_all(request: Request, backends: &Backends) -> Result<Bytes, Error> {
    let limit = backends.process.config.admin.json_max_bytes.get();
    Bytes::from_request(request, backends)
        .await
        .map_err(|rejection: BytesRejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Error::BodyTooLarge { limit }
            } else {
                Error::BodyBroken
            }
        })
}

/// Reads one JSON value, and says where it is wrong: by line and column what is not JSON, by its
/// path what is not the value that is expected.
pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        of_json(path, &error.into_inner())
    })?;
    deserializer
        .end()
        .map_err(|error| of_json(".".to_owned(), &error))?;
    Ok(value)
}

fn of_json(path: String, error: &serde_json::Error) -> Error {
    match error.classify() {
        Category::Data => Error::invalid(
            if path == "." { "body".to_owned() } else { path },
            error.to_string(),
        ),
        Category::Io | Category::Syntax | Category::Eof => Error::NotJson {
            reason: error.to_string(),
            line: error.line(),
            column: error.column(),
        },
    }
}

/// Whether the body is said to be of this type, whatever its parameters.
pub(crate) fn has_media_type(headers: &HeaderMap, expected: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(expected))
}
