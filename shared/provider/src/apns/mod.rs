//! Apple Push Notification service: one POST for each device token.
//!
//! A new connection carries one request until Apple has taken our token on it; so much is asked
//! of providers. A token that Apple refuses is made anew once, and not oftener than Apple allows.

mod config;
mod request;
mod response;

use campaign::Lane;
use chrono::TimeDelta;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};

pub use config::{Config, ConfigError, Key};
pub use request::{Address, AddressError, Environment};

use crate::credential::Verdict;
use crate::http2::{self, Pool, SendError, Target};
use crate::now::Now;
use crate::outcome::{Outcome, Unreachable, Whose};
use crate::outgoing::Outgoing;
use crate::standing::Standing;
use config::{Authorization, Token};
use response::Said;

/// A client of one team at Apple.
#[derive(Debug)]
pub struct Apns {
    production: Place,
    sandbox: Place,
    authorization: Authorization,
    topic: Option<HeaderValue>,
    now: Now,
}

/// One of Apple's two services; a device is known to one of them.
#[derive(Debug)]
struct Place {
    target: Target,
    pool: Pool,
    standing: Standing,
}

/// All that one more message needs: a stream of the pool, and the right to use it.
#[derive(Debug)]
pub(crate) struct Slot {
    stream: http2::Slot,
    token: Token,
}

impl Apns {
    /// A client in the configured team's name. Nothing is sent yet.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let Config {
            production,
            sandbox,
            key,
            topic,
            pool,
            now,
        } = config;
        let place = |target: Target, name| Place {
            pool: Pool::new(target.clone(), pool),
            standing: Standing::new(name, &target, now.clone()),
            target,
        };
        let topic = topic.map(|topic| HeaderValue::from_str(&topic).map_err(|_| ConfigError::Topic(topic)));
        Ok(Self {
            production: place(production, "apns"),
            sandbox: place(sandbox, "apns_sandbox"),
            authorization: Authorization::new(key),
            topic: topic.transpose()?,
            now,
        })
    }

    /// Waits until one more message of that lane may be sent; without a slot, what comes of it.
    pub(crate) async fn slot(&self, environment: Environment, lane: Lane) -> Result<Slot, Outcome> {
        let place = self.place(environment);
        if !place.standing.may_send() {
            return Err(Outcome::CredentialRefused(Whose::Ours));
        }
        let stream = place.pool.slot(lane).await.ok_or(Outcome::NOT_SENT)?;
        Ok(Slot {
            stream,
            token: self.authorization.token(self.now.get()),
        })
    }

    /// Sends one message to one address, in the slot that was waited for.
    pub(crate) async fn send(&self, slot: Slot, address: Address<'_>, outgoing: &Outgoing<'_>) -> Outcome {
        let place = self.place(address.environment);
        let (topic, whose_topic) = match address.topic {
            Some(topic) => (HeaderValue::from_str(topic).ok(), response::Topic::OfAddress),
            None => (self.topic.clone(), response::Topic::Configured),
        };
        let Some(uri) = place.target.uri(&format!("/3/device/{}", address.token)) else {
            return Outcome::AddressWrong;
        };
        let now = self.now.get();
        let lasts = TimeDelta::from_std(outgoing.time_to_live).unwrap_or(TimeDelta::MAX);
        let expiration = now
            .checked_add_signed(lasts)
            .map_or(i64::MAX, |at| at.timestamp());
        let mut request = Request::post(uri)
            .header(AUTHORIZATION, slot.token.header.clone())
            .header("apns-push-type", "alert")
            .header("apns-id", outgoing.push.to_string())
            .header("apns-collapse-id", outgoing.shown_as().to_string())
            .header("apns-priority", request::priority(outgoing))
            .header("apns-expiration", expiration);
        if let Some(topic) = topic {
            request = request.header("apns-topic", topic);
        }
        let request = request
            .body(request::body(outgoing).into())
            .expect("the parts are valid each by itself");
        let said = match slot.stream.send(request).await {
            Ok(response) => response::read(&response, whose_topic, now),
            Err(SendError::NotSent) => return Outcome::NOT_SENT,
            Err(SendError::NotAnswered) => return Outcome::Unreachable(Unreachable::PossiblyDelivered),
        };
        match said {
            Said::TokenRefused => self.token_refused(place, &slot.token),
            Said::Outcome(Outcome::CredentialRefused(whose)) => {
                match whose {
                    Whose::Ours => place.standing.refused(),
                    Whose::Platforms => slot.stream.prove(),
                }
                Outcome::CredentialRefused(whose)
            }
            // It has not got as far as looking at us.
            Said::Outcome(outcome @ Outcome::Unreachable(_)) => outcome,
            Said::Outcome(outcome) => {
                slot.stream.prove();
                place.standing.accepted();
                outcome
            }
        }
    }

    fn token_refused(&self, place: &Place, token: &Token) -> Outcome {
        match self.authorization.refused(token, self.now.get()) {
            Verdict::Newer | Verdict::Renew => place.standing.token_renewed(Whose::Ours),
            Verdict::Refused => {
                place.standing.refused();
                Outcome::CredentialRefused(Whose::Ours)
            }
        }
    }

    fn place(&self, environment: Environment) -> &Place {
        match environment {
            Environment::Production => &self.production,
            Environment::Sandbox => &self.sandbox,
        }
    }
}
