//! Firebase Cloud Messaging, HTTP v1: one POST for each address.
//!
//! An access token that is refused is fetched anew once, and the message waits for that; when
//! the new one is refused as well, the gateway pauses.

mod config;
mod request;
mod response;

use campaign::Lane;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Uri};

pub use config::{Config, ConfigError, Credentials};
pub use request::Address;

use crate::credential::Verdict;
use crate::http2::{self, Pool, SendError};
use crate::now::Now;
use crate::outcome::{Outcome, Unreachable, Whose};
use crate::outgoing::Outgoing;
use crate::standing::Standing;
use config::{Authorization, Header};
use response::Said;

/// A client of one Firebase project.
#[derive(Debug)]
pub struct Fcm {
    pool: Pool,
    authorization: Authorization,
    standing: Standing,
    uri: Uri,
    now: Now,
}

/// All that one more message needs: a stream of the pool, and the right to use it.
#[derive(Debug)]
pub(crate) struct Slot {
    stream: http2::Slot,
    authorization: Header,
}

impl Fcm {
    /// A client of the configured project. Nothing is sent yet.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let path = format!("/v1/projects/{}/messages:send", config.project);
        let uri = config.target.uri(&path);
        Ok(Self {
            uri: uri.ok_or(ConfigError::Project(config.project))?,
            authorization: Authorization::new(config.credentials)?,
            standing: Standing::new("fcm", &config.target, config.now.clone()),
            pool: Pool::new(config.target, config.pool),
            now: config.now,
        })
    }

    /// Waits until one more message of that lane may be sent; without a slot, what comes of it.
    pub(crate) async fn slot(&self, lane: Lane) -> Result<Slot, Outcome> {
        if !self.standing.may_send() {
            return Err(Outcome::CredentialRefused(Whose::Ours));
        }
        let Some(authorization) = self.authorization.header().await else {
            self.standing.refused();
            return Err(Outcome::CredentialRefused(Whose::Ours));
        };
        let stream = self.pool.slot(lane).await.ok_or(Outcome::NOT_SENT)?;
        Ok(Slot {
            stream,
            authorization,
        })
    }

    /// Sends one message to one address, in the slot that was waited for.
    pub(crate) async fn send(&self, slot: Slot, address: Address<'_>, outgoing: &Outgoing<'_>) -> Outcome {
        self.post(slot, request::body(address, outgoing, false)).await
    }

    /// Has one message to one address checked, and not delivered.
    pub(crate) async fn check(&self, slot: Slot, address: Address<'_>, outgoing: &Outgoing<'_>) -> Outcome {
        self.post(slot, request::body(address, outgoing, true)).await
    }

    async fn post(&self, slot: Slot, body: Vec<u8>) -> Outcome {
        let request = Request::post(self.uri.clone())
            .header(AUTHORIZATION, slot.authorization.value.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body.into())
            .expect("the parts are valid each by itself");
        let said = match slot.stream.send(request).await {
            Ok(response) => response::read(&response, self.now.get()),
            Err(SendError::NotSent) => return Outcome::NOT_SENT,
            Err(SendError::NotAnswered) => return Outcome::Unreachable(Unreachable::PossiblyDelivered),
        };
        match said {
            Said::TokenRefused => self.token_refused(&slot.authorization),
            Said::Outcome(Outcome::CredentialRefused(Whose::Ours)) => {
                self.standing.refused();
                Outcome::CredentialRefused(Whose::Ours)
            }
            // It has not got as far as looking at us.
            Said::Outcome(outcome @ Outcome::Unreachable(_)) => outcome,
            Said::Outcome(outcome) => {
                self.standing.accepted();
                outcome
            }
        }
    }

    fn token_refused(&self, header: &Header) -> Outcome {
        match self.authorization.refused(header, self.now.get()) {
            Verdict::Newer | Verdict::Renew => self.standing.token_renewed(Whose::Ours),
            Verdict::Refused => {
                self.standing.refused();
                Outcome::CredentialRefused(Whose::Ours)
            }
        }
    }
}
