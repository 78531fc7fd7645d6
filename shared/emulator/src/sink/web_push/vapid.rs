//! Who sends (RFC 8292).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::Refusal;
use crate::sink::token::Token;

/// No token may be good for longer.
const LONGEST: TimeDelta = TimeDelta::hours(24);

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
}

#[derive(Debug, Deserialize)]
struct Claims {
    aud: String,
    exp: i64,
    sub: String,
}

/// Whether the request shows a good token for this origin, of the one to whom the subscription is
/// bound, if it is.
pub(super) fn check(
    headers: &HeaderMap,
    origin: &str,
    bound_to: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let missing = Refusal(
        StatusCode::UNAUTHORIZED,
        "Authorization with a VAPID token is missing",
    );
    let refused = |reason| Refusal(StatusCode::FORBIDDEN, reason);
    let shown = headers
        .get(AUTHORIZATION)
        .and_then(|shown| shown.to_str().ok())
        .ok_or(missing)?;
    let (scheme, parameters) = shown.split_once(' ').ok_or(missing)?;
    if !scheme.eq_ignore_ascii_case("vapid") {
        return Err(missing);
    }
    let parameter = |name: &str| {
        let mut parameters = parameters
            .split(',')
            .filter_map(|parameter| parameter.trim().split_once('='));
        parameters
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value.trim_matches('"'))
    };
    let key = parameter("k").ok_or(refused("k is missing"))?;
    let token = parameter("t").ok_or(refused("t is missing"))?;
    let token = Token::<Header, Claims>::read(token).ok_or(refused("the token cannot be read"))?;
    let point = URL_SAFE_NO_PAD
        .decode(key)
        .map_err(|_| refused("k is not base64url"))?;
    let expires_at = DateTime::from_timestamp(token.claims.exp, 0).ok_or(refused("exp is no time"))?;
    let person = token.claims.sub.starts_with("mailto:") || token.claims.sub.starts_with("https://");
    let rules = [
        ("alg must be ES256", token.header.alg == "ES256"),
        ("the token is not signed with k", token.is_signed_with(&point)),
        ("aud must be this origin", token.claims.aud == origin),
        ("exp is past", expires_at > now),
        ("exp is more than 24 hours ahead", expires_at <= now + LONGEST),
        ("sub must be a mailto: or https: URL", person),
        (
            "the subscription is bound to another key",
            bound_to.is_none_or(|bound| bound == key),
        ),
    ];
    match rules.into_iter().find(|(_, kept)| !kept) {
        Some((rule, _)) => Err(refused(rule)),
        None => Ok(()),
    }
}
