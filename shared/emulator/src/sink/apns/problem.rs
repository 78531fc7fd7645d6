//! APNs's refusals: a status and a reason.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::json;

use crate::sink::script::Outcome;

/// A refusal, before it becomes a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    reason: &'static str,
    /// Since when the address has been gone.
    since: Option<DateTime<Utc>>,
}

impl Problem {
    pub(super) const METHOD: Self = Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed");
    pub(super) const NOT_HTTP2: Self = Self::bad("BadPath");
    pub(super) const PATH: Self = Self::new(StatusCode::NOT_FOUND, "BadPath");
    pub(super) const TOO_LARGE: Self = Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge");
    pub(super) const UNAVAILABLE: Self = Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable");

    /// The request has this fault.
    pub(super) const fn bad(reason: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    /// The token has this fault.
    pub(super) const fn forbidden(reason: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, reason)
    }

    const fn new(status: StatusCode, reason: &'static str) -> Self {
        Self {
            status,
            reason,
            since: None,
        }
    }

    /// What Apple answers for an outcome.
    pub(super) fn of(outcome: Outcome, now: DateTime<Utc>) -> Self {
        match outcome {
            Outcome::Unregistered => Self {
                since: Some(now),
                ..Self::new(StatusCode::GONE, "Unregistered")
            },
            Outcome::InvalidArgument => Self::bad("BadDeviceToken"),
            Outcome::BadRequest => Self::TOO_LARGE,
            Outcome::SenderIdMismatch => Self::bad("DeviceTokenNotForTopic"),
            Outcome::QuotaExceeded => Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyProviderTokenUpdates"),
            Outcome::DeviceQuotaExceeded => Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests"),
            Outcome::Internal => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
            Outcome::ThirdPartyAuthError => Self::forbidden("Forbidden"),
            Outcome::Unauthenticated => Self::forbidden("InvalidProviderToken"),
            Outcome::Unavailable | Outcome::ResetAfterAccept | Outcome::Hang | Outcome::GoAway => {
                Self::UNAVAILABLE
            }
        }
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut body = json!({ "reason": self.reason });
        if let Some(since) = self.since {
            body["timestamp"] = since.timestamp_millis().into();
        }
        let mut response = Response::new(Full::from(body.to_string()));
        *response.status_mut() = self.status;
        response
    }
}
