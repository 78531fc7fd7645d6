//! The script: what trouble the sink makes, for whom, and how often.
//!
//! Who is struck depends on nothing but the address and the seed, so two runs over the same
//! addresses give the same balance.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use serde::{Deserialize, Serialize};

/// Everything scripted. The default makes no trouble. As JSON, durations are milliseconds:
///
/// ```json
/// {
///   "seed": 7,
///   "faults": [
///     {"outcome": "unregistered", "share": 0.02},
///     {"outcome": "unavailable", "share": 0.05, "first": 2, "retry_after_ms": 1000}
///   ],
///   "dead_prefixes": ["dead-"],
///   "answers": [{"prefix": "odd-", "status": 418, "body": "{}", "headers": {"retry-after": "7"}}],
///   "delay": {"fixed_ms": 50, "jitter_ms": 10},
///   "quota_per_minute": 600000
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// Changes who is struck.
    pub seed: u64,
    /// The faults and the share of addresses that each strikes; no address has two.
    pub faults: Vec<Fault>,
    /// Addresses that begin with one of these are unregistered.
    pub dead_prefixes: Vec<String>,
    /// Addresses that are answered as it says here, before any fault is looked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Scripted>,
    /// How long every answer takes.
    pub delay: Delay,
    /// How many messages a project may send in a minute, after which it gets QUOTA_EXCEEDED.
    pub quota_per_minute: Option<u32>,
}

/// A fault and whom it strikes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub outcome: Outcome,
    /// The share of all addresses, from 0 to 1.
    pub share: f64,
    /// Only the first so many requests to each struck address; `None` is all of them.
    #[serde(default)]
    pub first: Option<u32>,
    /// Only so many requests of all struck addresses together, as where a credential is refused for
    /// a while; `None` is all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_all: Option<u32>,
    /// A `Retry-After` header with the error, in whole seconds rounded up.
    #[serde(default, rename = "retry_after_ms", with = "optional_millis")]
    pub retry_after: Option<Duration>,
}

/// An answer that is written out, for what no outcome stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scripted {
    /// Addresses that begin with this; of a Web Push endpoint, what is behind its last slash.
    pub prefix: String,
    /// The HTTP status.
    pub status: u16,
    /// Headers besides.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body as it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// Only the first so many requests to each of them; `None` is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u32>,
}

/// What happens to a message that is struck.
///
/// Each gateway says it in its own words, given here for FCM, APNs and Web Push; where one has no
/// word of its own, it says what comes nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 404 UNREGISTERED · 410 Unregistered · 410: the address is gone.
    Unregistered,
    /// 400 INVALID_ARGUMENT with a violation of the target · 400 BadDeviceToken · 403: the address
    /// is malformed.
    InvalidArgument,
    /// 400 with a violation of the message's own fields · 413 PayloadTooLarge · 413.
    BadRequest,
    /// 403 SENDER_ID_MISMATCH · 400 DeviceTokenNotForTopic · 403: the address belongs to another
    /// sender.
    SenderIdMismatch,
    /// 429 QUOTA_EXCEEDED · 429 TooManyProviderTokenUpdates · 429: the project's.
    QuotaExceeded,
    /// 503 UNAVAILABLE · 503 ServiceUnavailable · 503.
    Unavailable,
    /// 500 INTERNAL · 500 InternalServerError · 500.
    Internal,
    /// 401 THIRD_PARTY_AUTH_ERROR · 403 Forbidden · 401: the platform's credential is refused.
    ThirdPartyAuthError,
    /// 401 without an FCM error · 403 InvalidProviderToken · 401: the token is refused.
    Unauthenticated,
    /// The message is accepted and written down, then the connection is dropped unanswered.
    ResetAfterAccept,
    /// The request is never answered, and the message not accepted.
    Hang,
    /// 429 QUOTA_EXCEEDED of the device · 429 TooManyRequests · 429: the address's.
    DeviceQuotaExceeded,
    /// The message is accepted and answered, and the connection takes no other: GOAWAY.
    GoAway,
}

impl Outcome {
    /// Every outcome, in the order of their counters.
    pub const ALL: [Self; 13] = [
        Self::Unregistered,
        Self::InvalidArgument,
        Self::BadRequest,
        Self::SenderIdMismatch,
        Self::QuotaExceeded,
        Self::Unavailable,
        Self::Internal,
        Self::ThirdPartyAuthError,
        Self::Unauthenticated,
        Self::ResetAfterAccept,
        Self::Hang,
        Self::DeviceQuotaExceeded,
        Self::GoAway,
    ];
}

/// How long an answer takes: `fixed` and up to `jitter` more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delay {
    /// The least.
    #[serde(rename = "fixed_ms", with = "millis")]
    pub fixed: Duration,
    /// How much more it may be, evenly distributed.
    #[serde(rename = "jitter_ms", with = "millis")]
    pub jitter: Duration,
}

/// Why a script cannot be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// A share is not a number from 0 to 1.
    #[error("faults[{0}].share must be from 0 to 1")]
    Share(usize),
    /// The shares add up to more than everybody.
    #[error("the shares of all faults must not add up to more than 1")]
    Sum,
    /// A status that is none, or a header that cannot be sent.
    #[error("answers[{0}] must have a status from 100 to 999 and headers that can be sent")]
    Answer(usize),
    /// A quota of nothing.
    #[error("quota_per_minute must be at least 1")]
    Quota,
}

impl Script {
    /// Checks that the script can be played.
    ///
    /// # Errors
    ///
    /// [`ScriptError`] names what is wrong.
    pub fn check(&self) -> Result<(), ScriptError> {
        if let Some(wrong) = self
            .faults
            .iter()
            .position(|fault| !(0.0..=1.0).contains(&fault.share))
        {
            return Err(ScriptError::Share(wrong));
        }
        // A billionth more is what adding decimal fractions may cost.
        if self.faults.iter().map(|fault| fault.share).sum::<f64>() > 1.0 + 1e-9 {
            return Err(ScriptError::Sum);
        }
        if let Some(wrong) = self.answers.iter().position(|answer| answer.response().is_none()) {
            return Err(ScriptError::Answer(wrong));
        }
        if self.quota_per_minute == Some(0) {
            return Err(ScriptError::Quota);
        }
        Ok(())
    }
}

impl Scripted {
    /// The answer; `None` if it cannot be sent.
    pub(super) fn response(&self) -> Option<Response<Full<Bytes>>> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        response.body(Full::from(self.body.clone())).ok()
    }
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

mod optional_millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value
            .map(|value| u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
            .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_script_reads_and_writes() {
        let json = serde_json::json!({
            "seed": 7,
            "faults": [
                {"outcome": "unregistered", "share": 0.02, "first": null, "retry_after_ms": null},
                {"outcome": "unavailable", "share": 0.05, "first": 2, "retry_after_ms": 1000},
            ],
            "dead_prefixes": ["dead-"],
            "delay": {"fixed_ms": 50, "jitter_ms": 10},
            "quota_per_minute": 600_000,
        });

        let script: Script = serde_json::from_value(json.clone()).unwrap();

        assert_eq!(script.check(), Ok(()));
        assert_eq!(serde_json::to_value(script).unwrap(), json);
    }

    #[test]
    fn shares_beyond_everybody_are_refused() {
        let fault = |share| Fault {
            outcome: Outcome::Internal,
            share,
            first: None,
            in_all: None,
            retry_after: None,
        };
        let script = |faults| Script {
            faults,
            ..Script::default()
        };

        assert_eq!(
            script(vec![fault(0.5), fault(1.5)]).check(),
            Err(ScriptError::Share(1))
        );
        assert_eq!(script(vec![fault(f64::NAN)]).check(), Err(ScriptError::Share(0)));
        assert_eq!(
            script(vec![fault(0.6), fault(0.6)]).check(),
            Err(ScriptError::Sum)
        );
        assert_eq!(script(vec![fault(0.1); 10]).check(), Ok(()));
    }
}
