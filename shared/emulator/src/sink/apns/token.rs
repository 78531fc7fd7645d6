//! The token that says who sends.

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::Deserialize;

use super::problem::Problem;
use crate::sink::token::Token;

/// A token may be so old; and so far ahead, for clocks that differ.
const OLDEST: TimeDelta = TimeDelta::minutes(60);
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// Who may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The key's id.
    pub key_id: String,
    /// The team's id.
    pub team_id: String,
    /// The public key: an uncompressed point.
    pub key: Vec<u8>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    iat: i64,
}

/// Whether the request shows a good token; that of anybody, if nobody is named.
pub(super) fn check(headers: &HeaderMap, sender: Option<&Sender>, now: DateTime<Utc>) -> Result<(), Problem> {
    let missing = Problem::forbidden("MissingProviderToken");
    let invalid = Problem::forbidden("InvalidProviderToken");
    let shown = headers.get(AUTHORIZATION).ok_or(missing)?;
    let (scheme, token) = shown
        .to_str()
        .ok()
        .and_then(|shown| shown.split_once(' '))
        .ok_or(invalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing);
    }
    let token = Token::<Header, Claims>::read(token).ok_or(invalid)?;
    let named = !token.header.kid.is_empty() && !token.claims.iss.is_empty();
    if token.header.alg != "ES256" || !named {
        return Err(invalid);
    }
    if let Some(Sender { key_id, team_id, key }) = sender
        && (token.header.kid != *key_id || token.claims.iss != *team_id || !token.is_signed_with(key))
    {
        return Err(invalid);
    }
    let issued_at = DateTime::from_timestamp(token.claims.iat, 0).ok_or(invalid)?;
    if issued_at > now + AHEAD {
        return Err(invalid);
    }
    if issued_at < now - OLDEST {
        return Err(Problem::forbidden("ExpiredProviderToken"));
    }
    Ok(())
}
