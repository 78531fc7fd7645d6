//! Web Push (RFC 8030): one POST to the endpoint of each subscription, encrypted for it.
//!
//! Endpoints come from users, so only machines of the public internet are spoken to, over TLS,
//! and redirects are answers like any other. What one origin does, such as refusing our token or
//! being slow, is no other origin's concern.

mod config;
mod encryption;
mod origin;
mod request;
mod response;
mod subscription;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use campaign::Lane;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};

pub use config::{Config, ConfigError, Endpoints};
pub use subscription::{Subscription, SubscriptionError};

use crate::http2::{self, SendError};
use crate::outcome::{Outcome, Unreachable, Whose};
use crate::outgoing::Outgoing;
use config::Vapid;
use origin::Origin;
use response::Said;

/// Origins at most that are kept; there are a handful of push services.
const MOST_ORIGINS: usize = 256;

/// A client of all push services.
#[derive(Debug)]
pub struct WebPush {
    config: Config,
    vapid: Vapid,
    origins: Mutex<HashMap<String, Arc<Origin>>>,
}

/// All that one more message needs: a stream to the origin, and the right to use it.
#[derive(Debug)]
pub(crate) struct Slot {
    stream: http2::Slot,
    origin: Arc<Origin>,
    token: origin::Token,
}

impl WebPush {
    /// A client in the configured name. Nothing is sent yet.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Ok(Self {
            vapid: Vapid::new(&config)?,
            config,
            origins: Mutex::default(),
        })
    }

    /// Which endpoints it sends to.
    pub fn endpoints(&self) -> &Endpoints {
        &self.config.endpoints
    }

    /// The key that browsers are to subscribe with.
    pub fn public_key(&self) -> String {
        self.config.key.public_key()
    }

    /// Waits until one more message of that lane may be sent; without a slot, what comes of it.
    pub(crate) async fn slot(&self, subscription: &Subscription, lane: Lane) -> Result<Slot, Outcome> {
        let origin = self.origin(subscription)?;
        if !origin.standing.may_send() {
            return Err(Outcome::CredentialRefused(Whose::Platforms));
        }
        let stream = origin.pool.slot(lane).await.ok_or(Outcome::NOT_SENT)?;
        let token = origin.token(&self.vapid, &self.config.key, self.config.now.get());
        Ok(Slot {
            stream,
            origin,
            token,
        })
    }

    /// Sends one message to one subscription, in the slot that was waited for.
    pub(crate) async fn send(
        &self,
        slot: Slot,
        subscription: &Subscription,
        outgoing: &Outgoing<'_>,
    ) -> Outcome {
        let Slot {
            stream,
            origin,
            token,
        } = slot;
        let Some(uri) = subscription.uri() else {
            return Outcome::AddressWrong;
        };
        let plaintext = request::plaintext(outgoing);
        if plaintext.len() > encryption::MAX_PLAINTEXT {
            return Outcome::PayloadWrong("larger than 3993 bytes".to_owned());
        }
        let Some(body) = encryption::encrypt(&plaintext, &subscription.keys) else {
            return Outcome::AddressWrong;
        };
        let request = Request::post(uri)
            .header(AUTHORIZATION, token.header.clone())
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_ENCODING, "aes128gcm")
            .header("ttl", outgoing.time_to_live.as_secs())
            .header("urgency", request::urgency(outgoing))
            .header("topic", outgoing.shown_as().simple().to_string())
            .body(body.into())
            .expect("the parts are valid each by itself");
        let said = match stream.send(request).await {
            Ok(response) => response::read(&response, self.config.now.get()),
            Err(SendError::NotSent) => return Outcome::NOT_SENT,
            Err(SendError::NotAnswered) => return Outcome::Unreachable(Unreachable::PossiblyDelivered),
        };
        match said {
            Said::Forbidden if token.is_proven() => Outcome::AddressWrong,
            Said::Forbidden | Said::Outcome(Outcome::CredentialRefused(_)) => {
                origin.standing.refused();
                Outcome::CredentialRefused(Whose::Platforms)
            }
            Said::Outcome(Outcome::Accepted) => {
                token.prove();
                origin.standing.accepted();
                Outcome::Accepted
            }
            Said::Outcome(outcome) => outcome,
        }
    }

    fn origin(&self, subscription: &Subscription) -> Result<Arc<Origin>, Outcome> {
        let name = subscription.origin();
        if !self.config.endpoints.include(subscription) {
            return Err(Outcome::AddressWrong);
        }
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(origin) = origins.get(name) {
            return Ok(origin.clone());
        }
        if origins.len() >= MOST_ORIGINS {
            origins.retain(|_, origin| !origin.pool.is_idle());
        }
        if origins.len() >= MOST_ORIGINS {
            return Err(Outcome::NOT_SENT);
        }
        let reach = self.config.endpoints.reach();
        let origin = Origin::new(name, reach, &self.config).ok_or(Outcome::AddressWrong)?;
        let origin = Arc::new(origin);
        origins.insert(name.to_owned(), origin.clone());
        Ok(origin)
    }
}
