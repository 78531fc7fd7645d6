//! What FCM's answers mean.
//!
//! The error code of FCM's own detail decides; the HTTP status only where there is none. Codes:
//! <https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode>. `INVALID_ARGUMENT` is said
//! of a bad address and of a bad message alike; which, is told by the field that is named.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Response, StatusCode};
use serde::Deserialize;

use crate::header::retry_after;
use crate::outcome::{Outcome, Scope, Whose};

/// The fields that hold the address.
const ADDRESS_FIELDS: [&str; 2] = ["message.token", "message.fid"];

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Outcome(Outcome),
    /// The access token is not taken, which a new one may mend.
    TokenRefused,
}

/// Reads an answer that came at `now`.
pub(super) fn read(response: &Response<Bytes>, now: DateTime<Utc>) -> Said {
    let status = response.status();
    if status.is_success() {
        return Said::Outcome(Outcome::Accepted);
    }
    let error = serde_json::from_slice::<Answer>(response.body())
        .unwrap_or_default()
        .error;
    let after = retry_after(response.headers(), now);
    Said::Outcome(match error.fcm_code() {
        Some("UNREGISTERED") => Outcome::AddressGone { since: None },
        Some("SENDER_ID_MISMATCH") => Outcome::AddressWrong,
        Some("INVALID_ARGUMENT") => invalid(&error),
        Some("QUOTA_EXCEEDED") => throttled(&error, after),
        Some("THIRD_PARTY_AUTH_ERROR") => Outcome::CredentialRefused(Whose::Platforms),
        Some("UNAVAILABLE" | "INTERNAL") => Outcome::not_delivered(after),
        Some(_) | None => return by_status(status, &error, after),
    })
}

fn by_status(status: StatusCode, error: &Error, after: Option<Duration>) -> Said {
    Said::Outcome(match status {
        StatusCode::UNAUTHORIZED => return Said::TokenRefused,
        // A project or path that does not exist is a fault of the configuration, and a whole
        // audience must not be thrown away for it.
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Outcome::CredentialRefused(Whose::Ours),
        StatusCode::TOO_MANY_REQUESTS => throttled(error, after),
        status if status.is_client_error() && error.violations().next().is_some() => invalid(error),
        status if status.is_client_error() => Outcome::PayloadWrong(String::new()),
        _ => Outcome::not_delivered(after),
    })
}

/// FCM says `QUOTA_EXCEEDED` of the project's rate and of one device's; which, stands in a
/// `QuotaFailure`, whose wording Google does not publish. What names no device is the project's.
fn throttled(error: &Error, after: Option<Duration>) -> Outcome {
    let mut failed = error.details.iter().flat_map(|detail| &detail.violations);
    let of_device = failed.any(|failure| failure.subject.contains("device"));
    Outcome::Throttled {
        after,
        scope: if of_device { Scope::Device } else { Scope::Project },
    }
}

/// Blames the address only where nothing else is named.
fn invalid(error: &Error) -> Outcome {
    let of_message = error
        .violations()
        .filter(|field| !ADDRESS_FIELDS.contains(field))
        .collect::<Vec<_>>();
    if of_message.is_empty() {
        Outcome::AddressWrong
    } else {
        Outcome::PayloadWrong(of_message.join(", "))
    }
}

#[derive(Default, Deserialize)]
struct Answer {
    #[serde(default)]
    error: Error,
}

#[derive(Default, Deserialize)]
struct Error {
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(rename = "@type", default)]
    kind: String,
    #[serde(rename = "errorCode")]
    error_code: Option<String>,
    #[serde(rename = "fieldViolations", default)]
    field_violations: Vec<FieldViolation>,
    /// Of a `QuotaFailure`.
    #[serde(default)]
    violations: Vec<QuotaViolation>,
}

#[derive(Deserialize)]
struct QuotaViolation {
    #[serde(default)]
    subject: String,
}

#[derive(Deserialize)]
struct FieldViolation {
    #[serde(default)]
    field: String,
}

impl Error {
    fn fcm_code(&self) -> Option<&str> {
        let detail = self
            .details
            .iter()
            .find(|detail| detail.kind.ends_with("FcmError"))?;
        detail.error_code.as_deref()
    }

    /// The fields that are named as wrong.
    fn violations(&self) -> impl Iterator<Item = &str> {
        let violations = self.details.iter().flat_map(|detail| &detail.field_violations);
        violations.map(|violation| violation.field.as_str())
    }
}
