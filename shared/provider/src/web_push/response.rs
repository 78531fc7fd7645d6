//! What the answers of push services mean (RFC 8030, 8292; WNS throttles with 406).

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Response, StatusCode};

use crate::header::retry_after;
use crate::outcome::{Outcome, Scope, Whose};

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Outcome(Outcome),
    /// Our token is not taken at all, or not for this subscription, which is bound to another
    /// key: which of the two, is told by whether others were taken with it.
    Forbidden,
}

/// Reads an answer that came at `now`.
pub(super) fn read(response: &Response<Bytes>, now: DateTime<Utc>) -> Said {
    let after = retry_after(response.headers(), now);
    Said::Outcome(match response.status() {
        status if status.is_success() => Outcome::Accepted,
        StatusCode::NOT_FOUND | StatusCode::GONE => Outcome::AddressGone { since: None },
        StatusCode::UNAUTHORIZED => Outcome::CredentialRefused(Whose::Platforms),
        StatusCode::FORBIDDEN => return Said::Forbidden,
        StatusCode::PAYLOAD_TOO_LARGE => Outcome::PayloadWrong("size".to_owned()),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::NOT_ACCEPTABLE => Outcome::Throttled {
            after,
            scope: Scope::Device,
        },
        // Nobody is followed to another place.
        status if status.is_redirection() => Outcome::AddressWrong,
        status if status.is_client_error() => Outcome::PayloadWrong(String::new()),
        _ => Outcome::not_delivered(after),
    })
}
