//! Firebase Cloud Messaging, HTTP v1: one POST for each address.

mod config;
mod request;
mod response;

use campaign::Lane;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, Uri};

pub use config::{Config, ConfigError, Credentials};
pub use request::{Address, Outgoing};

use crate::http2::{self, Pool, SendError};
use crate::outcome::{Outcome, Unreachable};
use config::Authorization;

/// A client of one Firebase project.
#[derive(Debug)]
pub struct Fcm {
    pool: Pool,
    authorization: Authorization,
    uri: Uri,
}

/// All that one more message needs: a stream of the pool, and the right to use it.
#[derive(Debug)]
pub struct Slot {
    stream: http2::Slot,
    authorization: HeaderValue,
}

impl Fcm {
    /// A client of the configured project. Nothing is sent yet.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let path = format!("/v1/projects/{}/messages:send", config.project);
        let uri = config.target.uri(&path);
        Ok(Self {
            uri: uri.ok_or(ConfigError::Project(config.project))?,
            authorization: Authorization::new(config.credentials)?,
            pool: Pool::new(config.target, config.pool),
        })
    }

    /// Waits until one more message of that lane may be sent. Nothing but the answer is waited for
    /// then, so whatever forbids a send is to be asked for with the slot in hand.
    ///
    /// Without a slot, what comes of the message.
    pub async fn slot(&self, lane: Lane) -> Result<Slot, Outcome> {
        let authorization = self.authorization.header().await;
        let authorization = authorization.ok_or(Outcome::CredentialRefused)?;
        let stream = self.pool.slot(lane).await.ok_or(NOT_SENT)?;
        Ok(Slot {
            stream,
            authorization,
        })
    }

    /// Sends one message to one address, in the slot that was waited for.
    pub async fn send(&self, slot: Slot, outgoing: &Outgoing<'_>) -> Outcome {
        let request = Request::post(self.uri.clone())
            .header(AUTHORIZATION, slot.authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(request::body(outgoing).into())
            .expect("the parts are valid each by itself");
        match slot.stream.send(request).await {
            Ok(response) => response::outcome(&response),
            Err(SendError::NotSent) => NOT_SENT,
            Err(SendError::NotAnswered) => Outcome::Unreachable(Unreachable::PossiblyDelivered),
        }
    }
}

/// The message never left this process.
const NOT_SENT: Outcome = Outcome::Unreachable(Unreachable::NotDelivered { after: None });
