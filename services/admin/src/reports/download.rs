//! Gives a report out: whole or in part, one part of it in memory.

use std::ops::Range;

use ::campaign::ReportId;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use database::report::{self, Report, ReportState};
use futures::{Stream, TryStreamExt, stream};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, IF_RANGE, RANGE,
};
use http::{HeaderMap, HeaderName, StatusCode};
use runtime::Backends;
use tracing::error;
use utoipa::IntoParams;

use super::range::Asked;
use crate::error::Error;

/// The headers that choose what comes, for the API's document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "headers are read by hand; this describes them")]
pub(super) struct RangeHeaders {
    /// One range of bytes: `bytes=1048576-`. Several are answered with the whole file.
    #[param(rename = "Range")]
    range: Option<String>,
    /// The `ETag` of what the client has the beginning of; with any other the whole file comes.
    #[param(rename = "If-Range")]
    if_range: Option<String>,
}

/// A report as a file.
pub(super) struct Download {
    pub(super) report: Report,
    /// Its media type.
    pub(super) kind: &'static str,
    /// Under which it is saved; visible ASCII without quotes.
    pub(super) name: String,
}

impl Download {
    /// The answer to a request with these headers. Of one with HEAD the body is never asked for.
    pub(super) fn answer(self, backends: &Backends, headers: &HeaderMap) -> Result<Response, Error> {
        let Self { report, kind, name } = self;
        check_ready(&report, backends)?;
        let size = report.size;
        let tag = format!("\"{}\"", report.id);
        if text(headers, &IF_NONE_MATCH).is_some_and(|tags| has_tag(tags, &tag)) {
            return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
        }
        let range = text(headers, &RANGE).filter(|_| is_current(headers, &tag));
        let asked = range.map_or(Asked::Whole, |range| Asked::read(range, size));
        let (status, range) = match asked {
            Asked::Whole => (StatusCode::OK, 0..size),
            Asked::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
            Asked::Beyond => return Err(Error::RangeBeyond { size }),
        };
        let mut response = Response::new(Body::from_stream(bytes(backends, report.id, range.clone())));
        *response.status_mut() = status;
        let mut set = |name: HeaderName, value: String| {
            let value = value
                .try_into()
                .expect("ids, numbers and constants are visible ASCII");
            response.headers_mut().insert(name, value);
        };
        set(CONTENT_TYPE, kind.to_owned());
        set(CONTENT_LENGTH, (range.end - range.start).to_string());
        set(CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""));
        set(ACCEPT_RANGES, "bytes".to_owned());
        set(ETAG, tag);
        // A proxy that packs it would break its ranges.
        set(CACHE_CONTROL, "private, no-transform".to_owned());
        if status == StatusCode::PARTIAL_CONTENT {
            set(
                CONTENT_RANGE,
                format!("bytes {}-{}/{size}", range.start, range.end - 1),
            );
        }
        Ok(response)
    }
}

fn check_ready(report: &Report, backends: &Backends) -> Result<(), Error> {
    let now = backends.process.clock.now();
    match report.state {
        ReportState::Making => Err(Error::ReportMaking),
        ReportState::Expired => Err(Error::ReportExpired),
        ReportState::Ready if report.expires_at.is_some_and(|expires_at| expires_at <= now) => {
            Err(Error::ReportExpired)
        }
        ReportState::Ready => Ok(()),
    }
}

/// Whether a range is of the file that the client has the beginning of.
fn is_current(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get(IF_RANGE)
        .is_none_or(|given| given.as_bytes() == tag.as_bytes())
}

fn has_tag(tags: &str, tag: &str) -> bool {
    tags.split(',')
        .map(str::trim)
        .any(|given| given == "*" || given.trim_start_matches("W/") == tag)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The bytes of a range, part by part. A store that fails in the middle, and a part that was
/// deleted meanwhile, break the body off, so that half a file is not taken for a whole one.
fn bytes(
    backends: &Backends,
    id: ReportId,
    range: Range<u64>,
) -> impl Stream<Item = Result<Bytes, Error>> + use<> {
    let files = backends.files.clone();
    let pieces = stream::try_unfold(range, move |left| {
        let files = files.clone();
        async move {
            if left.is_empty() {
                return Ok(None);
            }
            let part = report::find(&files, id, left.start).await?;
            let piece = part.and_then(|part| {
                let from = usize::try_from(left.start - part.start).ok()?;
                let end = usize::try_from(left.end - part.start).unwrap_or(usize::MAX);
                let end = end.min(part.bytes.len());
                (from < end).then(|| Bytes::from(part.bytes).slice(from..end))
            });
            let piece = piece.ok_or(Error::ReportExpired)?;
            let next = left.start + piece.len() as u64..left.end;
            Ok(Some((piece, next)))
        }
    });
    pieces.inspect_err(|error: &Error| {
        error!(
            error = error as &dyn std::error::Error,
            "a download was broken off"
        );
    })
}
