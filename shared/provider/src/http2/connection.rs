//! One connection of the pool: opened when it is first needed, and again when it has closed.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::Mutex;

use super::target::Target;

/// A connection on which nothing comes back for this long is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) type Requests = SendRequest<Full<Bytes>>;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the gateway cannot be reached")]
    Unreachable(#[source] std::io::Error),
    #[error("the gateway does not speak HTTP/2")]
    Handshake(#[source] hyper::Error),
    #[error("the gateway did not accept a connection in time")]
    Timeout,
}

#[derive(Debug, Default)]
pub(super) struct Connection {
    requests: Mutex<Option<Requests>>,
}

impl Connection {
    /// The way to send on this connection, which is opened if it is not open.
    pub(super) async fn requests(
        &self,
        target: &Target,
        timeout: Duration,
    ) -> Result<Requests, ConnectError> {
        let mut requests = self.requests.lock().await;
        if let Some(open) = requests.as_ref().filter(|requests| !requests.is_closed()) {
            return Ok(open.clone());
        }
        let opened = tokio::time::timeout(timeout, open(target))
            .await
            .map_err(|_| ConnectError::Timeout)??;
        Ok(requests.insert(opened).clone())
    }
}

async fn open(target: &Target) -> Result<Requests, ConnectError> {
    let stream = target.connect().await.map_err(ConnectError::Unreachable)?;
    let (requests, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(ConnectError::Handshake)?;
    drive(connection);
    Ok(requests)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the driver ends when the last request handle is dropped"
)]
fn drive(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = %error, "a gateway connection has ended");
        }
    });
}
