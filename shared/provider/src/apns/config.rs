//! Which team, where, and with which key.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderValue;
use serde::Serialize;

use crate::credential::{Renewal, SigningKey, Verdict};
use crate::header::sensitive;
use crate::http2::{PoolSettings, Target};
use crate::now::Now;

/// Apple takes tokens of up to an hour, and new ones not oftener than every 20 minutes.
const RENEW_AFTER: TimeDelta = TimeDelta::minutes(40);
const RENEW_AT_MOST_EVERY: Duration = Duration::from_secs(20 * 60);

/// A team at Apple and how to reach its devices.
#[derive(Debug)]
pub struct Config {
    /// `https://api.push.apple.com`, or where a stand-in listens.
    pub production: Target,
    /// `https://api.sandbox.push.apple.com`, for apps that a developer has put on the device.
    pub sandbox: Target,
    /// In whose name messages are sent.
    pub key: Key,
    /// The app's bundle id, for addresses that name none.
    pub topic: Option<String>,
    /// Connections and time limits.
    pub pool: PoolSettings,
    /// Tells the time.
    pub now: Now,
}

/// A team's key.
#[derive(Debug)]
pub struct Key {
    /// The key itself, which Apple hands out as a .p8 file.
    pub key: SigningKey,
    /// Its id: ten characters.
    pub key_id: String,
    /// The team's id: ten characters.
    pub team_id: String,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The topic does not fit a header.
    #[error("`{0}` is not a bundle id")]
    Topic(String),
}

/// Makes the tokens that say who we are.
#[derive(Debug)]
pub(super) struct Authorization {
    key: Key,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    token: Option<(HeaderValue, DateTime<Utc>)>,
    renewal: Renewal,
}

/// A token as a header, and which one in a row it is.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) header: HeaderValue,
    generation: u64,
}

impl Authorization {
    pub(super) fn new(key: Key) -> Self {
        let current = Current {
            token: None,
            renewal: Renewal::new(RENEW_AT_MOST_EVERY),
        };
        Self {
            key,
            current: Mutex::new(current),
        }
    }

    /// The token of the moment, which is made anew long before Apple would refuse it.
    pub(super) fn token(&self, now: DateTime<Utc>) -> Token {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let header = match &current.token {
            Some((header, made_at)) if now - *made_at < RENEW_AFTER => header.clone(),
            made => {
                if made.is_some() {
                    current.renewal.made();
                }
                let header = self.key.sign(now);
                current.token = Some((header.clone(), now));
                header
            }
        };
        Token {
            header,
            generation: current.renewal.current(),
        }
    }

    /// What follows from a refusal of `token`.
    pub(super) fn refused(&self, token: &Token, now: DateTime<Utc>) -> Verdict {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = current.renewal.refused(token.generation, now);
        if verdict == Verdict::Renew {
            current.token = Some((self.key.sign(now), now));
        }
        verdict
    }
}

impl Key {
    fn sign(&self, now: DateTime<Utc>) -> HeaderValue {
        #[derive(Serialize)]
        struct Header<'a> {
            alg: &'static str,
            kid: &'a str,
        }
        #[derive(Serialize)]
        struct Claims<'a> {
            iss: &'a str,
            iat: i64,
        }
        let header = Header {
            alg: "ES256",
            kid: &self.key_id,
        };
        let claims = Claims {
            iss: &self.team_id,
            iat: now.timestamp(),
        };
        let token = self.key.sign(&header, &claims);
        sensitive(&format!("bearer {token}")).expect("base64url and dots fit a header")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_serves_for_forty_minutes_and_its_refusal_makes_one_new_one() {
        let key = Key {
            key: SigningKey::generate(),
            key_id: "KEY".to_owned(),
            team_id: "TEAM".to_owned(),
        };
        let authorization = Authorization::new(key);
        let minute = |minute| DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);

        let first = authorization.token(minute(0));
        let same = authorization.token(minute(39));
        let second = authorization.token(minute(40));
        let verdicts = [
            authorization.refused(&first, minute(41)),
            authorization.refused(&second, minute(41)),
            authorization.refused(&authorization.token(minute(41)), minute(42)),
        ];

        assert_eq!(first.header, same.header);
        assert_ne!(first.header, second.header);
        assert_eq!(verdicts, [Verdict::Newer, Verdict::Renew, Verdict::Refused]);
    }
}
