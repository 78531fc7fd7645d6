//! Headers that all gateways have in common.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderValue;
use http::header::{HeaderMap, RETRY_AFTER};

/// A header value that no log prints.
pub(crate) fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3), of which only what is left counts.
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?;
    Some((at.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_seconds_or_as_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-07-01T12:00:00Z")
            .unwrap()
            .to_utc();
        let said = |value: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            retry_after(&headers, now)
        };

        assert_eq!(said("17"), Some(Duration::from_secs(17)));
        assert_eq!(
            said("Wed, 01 Jul 2026 12:01:30 GMT"),
            Some(Duration::from_secs(90))
        );
        assert_eq!(said("Wed, 01 Jul 2026 11:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(said("soon"), None);
    }
}
