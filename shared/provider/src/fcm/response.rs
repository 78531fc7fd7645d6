//! What FCM's answers mean.
//!
//! The error code of FCM's own detail decides; the HTTP status only where there is none. Codes:
//! <https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode>. `INVALID_ARGUMENT` is said
//! of a bad address and of a bad message alike; which, is told by the field that is named.

use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use serde::Deserialize;

use crate::outcome::{Outcome, Unreachable};

/// The fields that hold the address.
const ADDRESS_FIELDS: [&str; 2] = ["message.token", "message.fid"];

/// The outcome that an answer stands for.
pub(super) fn outcome(response: &Response<Bytes>) -> Outcome {
    let status = response.status();
    if status.is_success() {
        return Outcome::Accepted;
    }
    let error = serde_json::from_slice::<Answer>(response.body())
        .unwrap_or_default()
        .error;
    let after = retry_after(response);
    match error.fcm_code() {
        Some("UNREGISTERED") => Outcome::AddressGone,
        Some("SENDER_ID_MISMATCH") => Outcome::AddressWrong,
        Some("INVALID_ARGUMENT") => invalid(&error),
        Some("QUOTA_EXCEEDED") => Outcome::Throttled { after },
        Some("THIRD_PARTY_AUTH_ERROR") => Outcome::CredentialRefused,
        Some("UNAVAILABLE" | "INTERNAL") => not_delivered(after),
        Some(_) | None => by_status(status, &error, after),
    }
}

fn by_status(status: StatusCode, error: &Error, after: Option<Duration>) -> Outcome {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Outcome::CredentialRefused,
        StatusCode::TOO_MANY_REQUESTS => Outcome::Throttled { after },
        // A project or path that does not exist is a fault of the configuration, and a whole
        // audience must not be thrown away for it.
        StatusCode::NOT_FOUND => Outcome::CredentialRefused,
        status if status.is_client_error() && error.violations().next().is_some() => invalid(error),
        status if status.is_client_error() => Outcome::PayloadWrong(String::new()),
        _ => not_delivered(after),
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

fn not_delivered(after: Option<Duration>) -> Outcome {
    Outcome::Unreachable(Unreachable::NotDelivered { after })
}

/// `Retry-After` in seconds; FCM sends no dates.
fn retry_after(response: &Response<Bytes>) -> Option<Duration> {
    let seconds = response
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, code: Option<&str>) -> Response<Bytes> {
        let detail = code.map_or_else(String::new, |code| {
            format!(
                r#"{{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"{code}"}}"#
            )
        });
        let body = format!(r#"{{"error":{{"code":{status},"details":[{detail}]}}}}"#);
        Response::builder()
            .status(status)
            .body(body.into())
            .expect("a status and a body")
    }

    #[test]
    fn every_row_of_the_error_table_has_its_outcome() {
        let unreachable = Outcome::Unreachable(Unreachable::NotDelivered { after: None });
        let throttled = Outcome::Throttled { after: None };
        for (status, code, expected) in [
            (200, None, Outcome::Accepted),
            (404, Some("UNREGISTERED"), Outcome::AddressGone),
            (400, Some("INVALID_ARGUMENT"), Outcome::AddressWrong),
            (403, Some("SENDER_ID_MISMATCH"), Outcome::AddressWrong),
            (429, Some("QUOTA_EXCEEDED"), throttled),
            (503, Some("UNAVAILABLE"), unreachable.clone()),
            (500, Some("INTERNAL"), unreachable.clone()),
            (401, Some("THIRD_PARTY_AUTH_ERROR"), Outcome::CredentialRefused),
            (401, None, Outcome::CredentialRefused),
            (400, None, Outcome::PayloadWrong(String::new())),
            (502, None, unreachable),
        ] {
            assert_eq!(outcome(&answer(status, code)), expected, "{status} {code:?}");
        }
    }

    #[test]
    fn a_payload_fault_names_the_field_and_never_blames_the_address() {
        let body = r#"{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations":[{"field":"message.data","description":"too large"}]}]}}"#;
        let response = Response::builder()
            .status(400)
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap();

        assert_eq!(
            outcome(&response),
            Outcome::PayloadWrong("message.data".to_owned())
        );
    }

    #[test]
    fn a_bad_token_is_told_from_a_bad_message_by_the_named_field() {
        let said = |field: &str| {
            let body = format!(
                r#"{{"error":{{"details":[
                {{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"INVALID_ARGUMENT"}},
                {{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{{"field":"{field}"}}]}}]}}}}"#
            );
            outcome(&Response::builder().status(400).body(body.into()).unwrap())
        };

        assert_eq!(said("message.token"), Outcome::AddressWrong);
        assert_eq!(
            said("message.android.ttl"),
            Outcome::PayloadWrong("message.android.ttl".to_owned())
        );
    }

    #[test]
    fn retry_after_is_honoured() {
        let mut response = answer(503, Some("UNAVAILABLE"));
        response.headers_mut().insert(RETRY_AFTER, "17".parse().unwrap());

        let after = Some(Duration::from_secs(17));
        assert_eq!(
            outcome(&response),
            Outcome::Unreachable(Unreachable::NotDelivered { after })
        );
    }
}
