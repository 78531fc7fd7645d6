//! What APNs's answers mean.
//!
//! The reason decides; the HTTP status only where there is none that is known. Reasons:
//! <https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns>.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Response, StatusCode};
use serde::Deserialize;

use crate::header::retry_after;
use crate::outcome::{Outcome, Scope, Whose};

/// Where the topic of a message came from, who is at fault if it is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    OfAddress,
    Configured,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Outcome(Outcome),
    /// The token is not taken, which a new one may mend.
    TokenRefused,
}

/// Reads an answer that came at `now`.
pub(super) fn read(response: &Response<Bytes>, topic: Topic, now: DateTime<Utc>) -> Said {
    let status = response.status();
    if status.is_success() {
        return Said::Outcome(Outcome::Accepted);
    }
    let answer = serde_json::from_slice::<Answer>(response.body()).unwrap_or_default();
    let after = retry_after(response.headers(), now);
    let throttled = |scope| Outcome::Throttled { after, scope };
    Said::Outcome(match &*answer.reason {
        "ExpiredProviderToken" | "InvalidProviderToken" => return Said::TokenRefused,
        "Unregistered" | "ExpiredToken" => gone(&answer),
        "BadDeviceToken" | "DeviceTokenNotForTopic" | "BadPath" => Outcome::AddressWrong,
        "BadTopic" | "MissingTopic" | "TopicDisallowed" => match topic {
            Topic::OfAddress => Outcome::AddressWrong,
            // A fault of the configuration: a whole audience must not be thrown away for it.
            Topic::Configured => Outcome::CredentialRefused(Whose::Ours),
        },
        "TooManyRequests" => throttled(Scope::Device),
        "TooManyProviderTokenUpdates" => throttled(Scope::Project),
        "IdleTimeout" => Outcome::not_delivered(after),
        reason => match status {
            StatusCode::GONE => gone(&answer),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Outcome::CredentialRefused(Whose::Ours),
            StatusCode::TOO_MANY_REQUESTS => throttled(Scope::Device),
            status if status.is_client_error() => Outcome::PayloadWrong(reason.to_owned()),
            _ => Outcome::not_delivered(after),
        },
    })
}

fn gone(answer: &Answer) -> Outcome {
    Outcome::AddressGone {
        since: answer.timestamp.and_then(DateTime::from_timestamp_millis),
    }
}

#[derive(Default, Deserialize)]
struct Answer {
    #[serde(default)]
    reason: String,
    /// Milliseconds since 1970.
    timestamp: Option<i64>,
}
