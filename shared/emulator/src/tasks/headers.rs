//! The headers of a dispatch: the caller's, as far as they may be set, and the queue's own.

use std::collections::HashMap;

use http::header::{CONTENT_LENGTH, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::Status;

use super::names;
use super::store::Entry;

/// Refuses headers that HTTP could not carry.
pub(super) fn check(given: &HashMap<String, String>) -> Result<(), Status> {
    given.iter().try_for_each(|(name, value)| {
        parsed(name, value)
            .map(|_| ())
            .ok_or_else(|| Status::invalid_argument(format!("The header \"{name}\" is not a valid one.")))
    })
}

/// The headers for the next attempt of a task. What the caller may not set is left out, as
/// Cloud Tasks does: `Host`, `Content-Length`, `User-Agent`, and names that belong to Google.
pub(super) fn for_attempt(given: &HashMap<String, String>, entry: &Entry) -> HeaderMap {
    let mut headers: HeaderMap = given
        .iter()
        .filter_map(|(name, value)| parsed(name, value))
        .filter(|(name, _)| !is_reserved(name))
        .collect();
    if let Ok(name) = names::task_name(&entry.task.name) {
        insert(
            &mut headers,
            "x-cloudtasks-queuename",
            names::queue_id(name.queue).unwrap_or_default(),
        );
        insert(&mut headers, "x-cloudtasks-taskname", name.id);
    }
    insert(
        &mut headers,
        "x-cloudtasks-taskretrycount",
        &entry.task.dispatch_count.to_string(),
    );
    insert(
        &mut headers,
        "x-cloudtasks-taskexecutioncount",
        &entry.executions.to_string(),
    );
    insert(&mut headers, "x-cloudtasks-tasketa", &seconds(entry.key.due_at));
    if let Some(status) = entry.last_response {
        insert(
            &mut headers,
            "x-cloudtasks-taskpreviousresponse",
            &status.to_string(),
        );
    }
    if let Some(reason) = &entry.retry_reason {
        insert(&mut headers, "x-cloudtasks-taskretryreason", reason);
    }
    headers
}

fn parsed(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((
        HeaderName::try_from(name).ok()?,
        HeaderValue::try_from(value).ok()?,
    ))
}

fn is_reserved(name: &HeaderName) -> bool {
    [HOST, CONTENT_LENGTH, USER_AGENT].contains(name)
        || ["x-google-", "x-appengine-", "x-cloudtasks-"]
            .iter()
            .any(|prefix| name.as_str().starts_with(prefix))
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// Seconds since the epoch with six digits of a second, as in `1560816183.920286`.
fn seconds(micros: i64) -> String {
    format!(
        "{}.{:06}",
        micros.div_euclid(1_000_000),
        micros.rem_euclid(1_000_000)
    )
}
