//! Firebase Cloud Messaging, HTTP v1: one POST for each address.

mod config;
mod request;
mod response;

use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};

pub use config::{Config, ConfigError, Credentials};
pub use request::{Address, Outgoing};

use crate::http2::{Pool, Slot};
use crate::outcome::{Outcome, Unreachable};
use config::Authorization;

/// A client of one Firebase project.
#[derive(Debug)]
pub struct Fcm {
    pool: Pool,
    authorization: Authorization,
    path: String,
}

impl Fcm {
    /// A client of the configured project. Nothing is sent yet.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let path = format!("/v1/projects/{}/messages:send", config.project);
        let pool = Pool::new(config.target, config.pool);
        pool.target()
            .uri(&path)
            .ok_or(ConfigError::Project(config.project))?;
        let authorization = Authorization::new(config.credentials)?;
        Ok(Self {
            pool,
            authorization,
            path,
        })
    }

    /// Waits until one more message may be sent. `None` if the gateway cannot be reached.
    pub async fn slot(&self) -> Option<Slot> {
        self.pool.slot().await
    }

    /// Sends one message to one address, in the slot that was waited for.
    pub async fn send(&self, slot: Slot, outgoing: &Outgoing<'_>) -> Outcome {
        let Some(authorization) = self.authorization.header().await else {
            return Outcome::CredentialRefused;
        };
        let uri = self
            .pool
            .target()
            .uri(&self.path)
            .expect("checked when the client was made");
        let request = Request::post(uri)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(request::body(outgoing).into())
            .expect("the parts are valid each by itself");
        match slot.send(request).await {
            Ok(response) => response::outcome(&response),
            Err(crate::http2::SendError::NotSent) => {
                Outcome::Unreachable(Unreachable::NotDelivered { after: None })
            }
            Err(crate::http2::SendError::NotAnswered) => Outcome::Unreachable(Unreachable::PossiblyDelivered),
        }
    }
}
