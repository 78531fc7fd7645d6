//! The pool: how many streams there may be, who gets the next, and which connection carries it.
//!
//! A chunk of the bulk lane wants hundreds of streams at once, and a process has many such chunks
//! in hand. The fast lane does not wait behind them: whoever of it wants a stream has only one of
//! the bulk lane's ahead.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use campaign::Lane;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::connection::{Connection, Requests};
use super::target::Target;

/// Gateways answer in a few hundred bytes; more is cut off.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// How a pool behaves.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// Connections at most; each is opened when it is first needed.
    pub connections: usize,
    /// Requests at once on each connection. Gateways allow about 100.
    pub streams: usize,
    /// The longest a connection may take to open, and a request to be answered.
    pub timeout: Duration,
}

/// A pool of connections to one gateway.
#[derive(Debug)]
pub(crate) struct Pool {
    target: Target,
    settings: PoolSettings,
    connections: Vec<Arc<Connection>>,
    streams: Arc<Semaphore>,
    /// Held by the bulk lane while it waits for a stream, so that only one of it waits there.
    bulk_queue: Mutex<()>,
}

/// The right to send one request, on a connection that was open a moment ago.
#[derive(Debug)]
pub(crate) struct Slot {
    requests: Requests,
    timeout: Duration,
    /// Held for as long as the request is on it: who holds a connection is its load.
    _connection: Arc<Connection>,
    _stream: OwnedSemaphorePermit,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The request never left this process.
    #[error("the request was not sent")]
    NotSent,
    /// The request was handed to the connection, and no usable answer came back.
    #[error("the request was sent and not answered")]
    NotAnswered,
}

impl Pool {
    /// A pool of connections to `target`, none of them open yet.
    pub(crate) fn new(target: Target, settings: PoolSettings) -> Self {
        let connections = (0..settings.connections.max(1))
            .map(|_| Arc::default())
            .collect::<Vec<_>>();
        let streams = Semaphore::new(connections.len() * settings.streams.max(1));
        Self {
            target,
            settings,
            connections,
            streams: Arc::new(streams),
            bulk_queue: Mutex::default(),
        }
    }

    /// Waits for a free stream on the least loaded connection. `None` if the gateway cannot be
    /// reached.
    pub(crate) async fn slot(&self, lane: Lane) -> Option<Slot> {
        let stream = self.stream(lane).await?;
        let connection = self
            .connections
            .iter()
            .min_by_key(|connection| Arc::strong_count(connection))?
            .clone();
        match connection.requests(&self.target, self.settings.timeout).await {
            Ok(requests) => Some(Slot {
                requests,
                timeout: self.settings.timeout,
                _connection: connection,
                _stream: stream,
            }),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a gateway cannot be reached"
                );
                None
            }
        }
    }

    async fn stream(&self, lane: Lane) -> Option<OwnedSemaphorePermit> {
        let _turn = match lane {
            Lane::Bulk => Some(self.bulk_queue.lock().await),
            Lane::Fast => None,
        };
        self.streams.clone().acquire_owned().await.ok()
    }
}

impl Slot {
    /// Hands the request to the connection and waits for the answer, body included.
    pub(crate) async fn send(mut self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, SendError> {
        let answered = async {
            let response = match self.requests.try_send_request(request).await {
                Ok(response) => response,
                // A message that came back had not been taken by the connection.
                Err(mut error) => {
                    let came_back = error.take_message().is_some();
                    return Err(if came_back {
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
        };
        tokio::time::timeout(self.timeout, answered)
            .await
            .unwrap_or(Err(SendError::NotAnswered))
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;
    use tokio::task::{JoinSet, yield_now};

    use super::*;

    /// A pool with one stream.
    fn narrow() -> Arc<Pool> {
        let settings = PoolSettings {
            connections: 1,
            streams: 1,
            timeout: Duration::from_secs(1),
        };
        let target = Target::parse("http://127.0.0.1:9").unwrap();
        Arc::new(Pool::new(target, settings))
    }

    #[tokio::test]
    async fn the_fast_lane_has_one_of_the_bulk_lane_ahead_of_it() {
        let (pool, mut waiting) = (narrow(), JoinSet::new());
        let (served, mut order) = mpsc::unbounded_channel();
        let taken = pool.stream(Lane::Bulk).await;

        for lane in [Lane::Bulk, Lane::Bulk, Lane::Bulk, Lane::Fast, Lane::Fast] {
            let (pool, served) = (pool.clone(), served.clone());
            waiting.spawn(async move {
                let _stream = pool.stream(lane).await;
                served.send(lane).unwrap();
            });
            // Each waits before the next one comes.
            yield_now().await;
        }
        drop((taken, served));
        let mut lanes = Vec::new();
        while let Some(lane) = order.recv().await {
            lanes.push(lane);
        }

        assert_eq!(
            lanes,
            [Lane::Bulk, Lane::Fast, Lane::Fast, Lane::Bulk, Lane::Bulk]
        );
    }
}
