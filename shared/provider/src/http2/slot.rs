//! The right to one stream, and what becomes of the request on it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use http::{Request, Response};

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
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, SendError> {
        tokio::time::timeout(self.timeout, self.exchange(request))
            .await
            .unwrap_or(Err(SendError::NotAnswered))
    }

    /// Says that the peer has taken our credential, so that the connection may carry more.
    pub(crate) fn prove(&self) {
        if self.connection.prove()
            && let Some(pool) = self.pool.upgrade()
        {
            pool.changed(&self.connection);
        }
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, SendError> {
        let requests = self.connection.requests().ready().await;
        let mut requests = requests.map_err(|_| SendError::NotSent)?;
        let (head, body) = request.into_parts();
        let (answer, mut rest) = requests
            .send_request(Request::from_parts(head, ()), body.is_empty())
            .map_err(|_| SendError::NotSent)?;
        if !body.is_empty() {
            // Kept until the peer has room for it.
            rest.send_data(body, true).map_err(|_| SendError::NotAnswered)?;
        }
        let (head, body) = answer
            .await
            .map_err(|error| self.unanswered(&error))?
            .into_parts();
        let body = read(body).await.map_err(|_| SendError::NotAnswered)?;
        Ok(Response::from_parts(head, body))
    }

    /// What an error in the place of an answer says. A peer that refuses the stream, or goes away
    /// without having got to it, says that nothing was done (RFC 9113, 8.7); but after GOAWAY, a
    /// connection that breaks gives the same error to those that it had got to.
    fn unanswered(&self, error: &h2::Error) -> SendError {
        let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        let not_got_to = error.is_go_away() && error.is_remote() && !self.connection.has_ended();
        if refused || not_got_to {
            SendError::NotSent
        } else {
            SendError::NotAnswered
        }
    }
}

/// A body, or nothing of it if it is too long: the status tells most.
async fn read(mut body: RecvStream) -> Result<Bytes, h2::Error> {
    let mut whole = Bytes::new();
    while let Some(part) = body.data().await {
        let part = part?;
        if whole.len() + part.len() > MAX_ANSWER_BYTES {
            return Ok(Bytes::new());
        }
        body.flow_control().release_capacity(part.len())?;
        whole = if whole.is_empty() {
            // Nearly always all of it.
            part
        } else {
            let mut longer = BytesMut::from(whole);
            longer.extend_from_slice(&part);
            longer.freeze()
        };
    }
    Ok(whole)
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.give_back(&self.connection);
        }
    }
}
