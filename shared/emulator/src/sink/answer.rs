//! Answers, and the requests that they are to.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;

pub(super) type Answer = Response<Full<Bytes>>;

/// A request larger than this is not read.
const LARGEST_BODY: usize = 64 << 10;

/// The body of a request, read to its end; else why it could not be.
pub(super) async fn read(request: Request<Incoming>) -> Result<Bytes, String> {
    let body = Limited::new(request.into_body(), LARGEST_BODY).collect().await;
    body.map(http_body_util::Collected::to_bytes)
        .map_err(|error| format!("The request could not be read: {error}"))
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, document: &impl serde::Serialize) -> Answer {
    let text =
        serde_json::to_string(document).expect("these documents have string keys and no maps of others");
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=UTF-8"),
    );
    response
}

/// The answer with a `Retry-After` header, in whole seconds rounded up.
pub(super) fn with_retry_after(mut response: Answer, after: Option<Duration>) -> Answer {
    if let Some(after) = after {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
