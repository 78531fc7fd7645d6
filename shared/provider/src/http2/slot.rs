//! The right to one stream, and what becomes of the request on it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};

use super::connection::Connection;
use super::pool::Shared;

/// Gateways answer in a few hundred bytes; more is cut off.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// The right to send one request, on a connection that was open a moment ago.
#[derive(Debug)]
pub(crate) struct Slot {
    connection: Arc<Connection>,
    pool: Weak<Shared>,
    timeout: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The request never left this process, or the peer says that it did not look at it.
    #[error("the request was not sent")]
    NotSent,
    /// The request was handed to the connection, and no usable answer came back.
    #[error("the request was sent and not answered")]
    NotAnswered,
}

impl Slot {
    /// A slot on a connection of which a stream was taken.
    pub(super) fn new(connection: Arc<Connection>, pool: Weak<Shared>, timeout: Duration) -> Self {
        Self {
            connection,
            pool,
            timeout,
        }
    }

    /// Hands the request to the connection and waits for the answer, body included.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, SendError> {
        tokio::time::timeout(self.timeout, self.exchange(request))
            .await
            .unwrap_or(Err(SendError::NotAnswered))
    }

    /// Says that the peer has taken our credential, so that the connection may carry more.
    pub(crate) fn prove(&self) {
        if self.connection.prove()
            && let Some(pool) = self.pool.upgrade()
        {
            pool.changed();
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, SendError> {
        let response = match self.connection.requests().try_send_request(request).await {
            Ok(response) => response,
            Err(mut error) => {
                // A message that came back had not been taken by the connection.
                let not_sent = error.take_message().is_some() || is_refused(error.error());
                return Err(if not_sent {
                    SendError::NotSent
                } else {
                    SendError::NotAnswered
                });
            }
        };
        let (parts, body) = response.into_parts();
        match Limited::new(body, MAX_ANSWER_BYTES).collect().await {
            Ok(body) => Ok(Response::from_parts(parts, body.to_bytes())),
            // The status is there, which tells most.
            Err(error) if error.is::<LengthLimitError>() => Ok(Response::from_parts(parts, Bytes::new())),
            Err(_) => Err(SendError::NotAnswered),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connection.give_back();
        if let Some(pool) = self.pool.upgrade() {
            pool.changed();
        }
    }
}

/// Whether the peer refused the stream, by which it says that nothing was done (RFC 9113, 8.7).
fn is_refused(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    source
        .and_then(|source| source.downcast_ref::<h2::Error>())
        .is_some_and(|error| error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM))
}
