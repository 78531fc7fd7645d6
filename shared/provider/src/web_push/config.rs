//! In whose name, and to which endpoints.

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderValue, Uri};
use serde::Serialize;

use super::subscription::Subscription;
use crate::credential::SigningKey;
use crate::header::sensitive;
use crate::http2::{PoolSettings, Reach, Trust};
use crate::now::Now;

/// How long a token is good; push services take no more than 24 hours (RFC 8292, 2).
const GOOD_FOR: TimeDelta = TimeDelta::hours(12);

/// Who sends, and where to.
#[derive(Debug)]
pub struct Config {
    /// The application server's key (VAPID), which subscriptions are bound to.
    pub key: SigningKey,
    /// How a push service reaches a person: `mailto:` or `https:`.
    pub subject: String,
    /// Which endpoints are sent to.
    pub endpoints: Endpoints,
    /// Whose word an endpoint's certificate needs.
    pub trust: Trust,
    /// Connections to each origin, and time limits.
    pub pool: PoolSettings,
    /// Tells the time.
    pub now: Now,
}

/// Which endpoints are sent to, and may be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoints {
    /// `https://` ones of the public internet.
    Public,
    /// Those of one stand-in alone, in clear, whose base this is: `http://host:port`.
    StandIn(String),
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Push services refuse who cannot be reached.
    #[error("subject: must be a `mailto:` or `https:` URL at which a person is reached")]
    Subject,
}

impl Endpoints {
    /// Whether it is one of them, as far as its text tells.
    pub(super) fn include(&self, subscription: &Subscription) -> bool {
        match self {
            Self::Public => subscription.is_public(),
            Self::StandIn(base) => subscription.origin() == base,
        }
    }

    pub(super) fn reach(&self) -> Reach {
        match self {
            Self::Public => Reach::Public,
            Self::StandIn(_) => Reach::Anywhere,
        }
    }
}

/// Signs tokens for origins.
#[derive(Debug)]
pub(super) struct Vapid {
    subject: String,
}

impl Vapid {
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        let subject = config.subject.clone();
        let mailbox = subject
            .strip_prefix("mailto:")
            .is_some_and(|mailbox| mailbox.contains('@'));
        let page = subject.starts_with("https://") && subject.parse::<Uri>().is_ok();
        if mailbox || page {
            Ok(Self { subject })
        } else {
            Err(ConfigError::Subject)
        }
    }

    /// The `Authorization` header for an origin.
    pub(super) fn sign(&self, key: &SigningKey, origin: &str, now: DateTime<Utc>) -> HeaderValue {
        #[derive(Serialize)]
        struct Header {
            typ: &'static str,
            alg: &'static str,
        }
        #[derive(Serialize)]
        struct Claims<'a> {
            aud: &'a str,
            exp: i64,
            sub: &'a str,
        }
        let header = Header {
            typ: "JWT",
            alg: "ES256",
        };
        let claims = Claims {
            aud: origin,
            exp: (now + GOOD_FOR).timestamp(),
            sub: &self.subject,
        };
        let token = key.sign(&header, &claims);
        let value = format!("vapid t={token}, k={}", key.public_key());
        sensitive(&value).expect("base64url, dots and a comma fit a header")
    }
}
