//! One push service: its connections, and the token that it is shown.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderValue;

use super::config::{Config, Vapid};
use crate::credential::SigningKey;
use crate::http2::{Pool, Reach, Target};
use crate::standing::Standing;

/// Long before the token ends, and seldom enough that signing costs nothing.
const SIGN_AGAIN_AFTER: TimeDelta = TimeDelta::hours(6);

/// A push service.
#[derive(Debug)]
pub(super) struct Origin {
    name: String,
    pub(super) pool: Pool,
    pub(super) standing: Standing,
    token: Mutex<Option<(Token, DateTime<Utc>)>>,
}

/// A token as a header, and whether the origin has taken a message with it.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) header: HeaderValue,
    is_proven: Arc<AtomicBool>,
}

impl Origin {
    /// `None` if the name is not that of a machine.
    pub(super) fn new(name: &str, reach: Reach, config: &Config) -> Option<Self> {
        let target = Target::within(reach, name, &config.trust).ok()?;
        Some(Self {
            name: name.to_owned(),
            pool: Pool::new(target, config.pool),
            standing: Standing::new("web_push", name, config.now.clone()),
            token: Mutex::default(),
        })
    }

    /// The token of the moment.
    pub(super) fn token(&self, vapid: &Vapid, key: &SigningKey, now: DateTime<Utc>) -> Token {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, signed_at)) = &*token
            && now - *signed_at < SIGN_AGAIN_AFTER
        {
            return token.clone();
        }
        let signed = Token {
            header: vapid.sign(key, &self.name, now),
            is_proven: Arc::default(),
        };
        *token = Some((signed.clone(), now));
        signed
    }
}

impl Token {
    /// Whether the origin has taken a message with it, so that a refusal is the subscription's.
    pub(super) fn is_proven(&self) -> bool {
        self.is_proven.load(Ordering::Relaxed)
    }

    pub(super) fn prove(&self) {
        self.is_proven.store(true, Ordering::Relaxed);
    }
}
