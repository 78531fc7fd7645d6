//! FCM's refusals: Google's error body, with FCM's error code or the fields at fault in it.
//!
//! What a scripted outcome answers is what the real gateway does, recorded where it is known:
//! a malformed address has both an FCM error and a violation that names the target's field; a
//! message that cannot be parsed or is not valid has violations only.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::sink::answer::with_retry_after;
use crate::sink::script::Outcome;

/// A field of the request and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    /// Its path, as `message.android.ttl`.
    pub(super) field: String,
    /// What is wrong.
    pub(super) description: String,
}

/// A refusal, before it becomes a response.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    message: String,
    details: Vec<Value>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// The message has a fault of its own.
    pub(super) fn invalid(violation: Violation) -> Self {
        let details = vec![bad_request(&violation)];
        Self::new(StatusCode::BAD_REQUEST, violation.description, details)
    }

    /// The request has no good bearer token.
    pub(super) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or \
             other valid authentication credential.",
            Vec::new(),
        )
    }

    /// There is no such page.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Method not found.", Vec::new())
    }

    /// The ledger could not be written.
    pub(super) fn unavailable() -> Self {
        fcm_error(
            StatusCode::SERVICE_UNAVAILABLE,
            "The service is currently unavailable.",
            "UNAVAILABLE",
        )
    }

    /// What the gateway answers for an outcome to a message for the target in `target_field`;
    /// `None` where it does not answer at all.
    pub(super) fn of(outcome: Outcome, target_field: &str) -> Option<Self> {
        Some(match outcome {
            Outcome::Unregistered => fcm_error(
                StatusCode::NOT_FOUND,
                "Requested entity was not found.",
                "UNREGISTERED",
            ),
            Outcome::InvalidArgument => {
                let invalid = Violation {
                    field: format!("message.{target_field}"),
                    description: "Invalid registration token".to_owned(),
                };
                let message = "The registration token is not a valid FCM registration token";
                let mut problem = fcm_error(StatusCode::BAD_REQUEST, message, "INVALID_ARGUMENT");
                problem.details.push(bad_request(&invalid));
                problem
            }
            Outcome::BadRequest => Self::invalid(Violation {
                field: "message.data".to_owned(),
                description: "Invalid data payload: scripted by the sink".to_owned(),
            }),
            Outcome::SenderIdMismatch => {
                fcm_error(StatusCode::FORBIDDEN, "SenderId mismatch", "SENDER_ID_MISMATCH")
            }
            Outcome::QuotaExceeded => fcm_error(
                StatusCode::TOO_MANY_REQUESTS,
                "Message rate exceeded.",
                "QUOTA_EXCEEDED",
            ),
            Outcome::DeviceQuotaExceeded => {
                let mut problem = fcm_error(
                    StatusCode::TOO_MANY_REQUESTS,
                    "Device message rate exceeded.",
                    "QUOTA_EXCEEDED",
                );
                problem.details.push(json!({
                    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                    "violations": [{ "subject": "device", "description": "Device message rate exceeded" }],
                }));
                problem
            }
            Outcome::Unavailable => Self::unavailable(),
            Outcome::Internal => fcm_error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal error encountered.",
                "INTERNAL",
            ),
            Outcome::ThirdPartyAuthError => fcm_error(
                StatusCode::UNAUTHORIZED,
                "Auth error from APNS or Web Push Service",
                "THIRD_PARTY_AUTH_ERROR",
            ),
            Outcome::Unauthenticated => Self::unauthenticated(),
            Outcome::ResetAfterAccept | Outcome::Hang | Outcome::GoAway => return None,
        })
    }

    /// The refusal with a `Retry-After` header.
    pub(super) fn retry_after(self, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..self }
    }

    /// The refusal as an HTTP response.
    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut error = json!({
            "code": self.status.as_u16(),
            "message": self.message,
            "status": canonical(self.status),
        });
        if !self.details.is_empty() {
            error["details"] = Value::Array(self.details);
        }
        let mut response = Response::new(Full::from(json!({ "error": error }).to_string()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=UTF-8"),
        );
        with_retry_after(response, self.retry_after)
    }

    fn new(status: StatusCode, message: impl Into<String>, details: Vec<Value>) -> Self {
        Self {
            status,
            message: message.into(),
            details,
            retry_after: None,
        }
    }
}

fn fcm_error(status: StatusCode, message: &str, code: &str) -> Problem {
    let detail = json!({ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code });
    Problem::new(status, message, vec![detail])
}

fn bad_request(violation: &Violation) -> Value {
    json!({
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{ "field": violation.field, "description": violation.description }],
    })
}

/// The canonical code that goes with the status (google.rpc.Code).
fn canonical(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "INVALID_ARGUMENT",
        StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
        StatusCode::FORBIDDEN => "PERMISSION_DENIED",
        StatusCode::NOT_FOUND => "NOT_FOUND",
        StatusCode::TOO_MANY_REQUESTS => "RESOURCE_EXHAUSTED",
        StatusCode::SERVICE_UNAVAILABLE => "UNAVAILABLE",
        StatusCode::INTERNAL_SERVER_ERROR => "INTERNAL",
        _ => "UNKNOWN",
    }
}
