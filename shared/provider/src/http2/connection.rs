//! One connection of the pool: how it is opened, how many streams it takes, and its end.

use std::pin::pin;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::pool::{PoolSettings, Proving, Shared};
use super::target::{Stream, Target};

/// A connection is asked this often whether it lives, also while nothing is on it.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a connection asks whether it is still needed.
const NEEDED_EVERY: Duration = Duration::from_secs(300);

pub(super) type Requests = SendRequest<Full<Bytes>>;
type Driver = http2::Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>, TokioExecutor>;

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

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    requests: Requests,
    /// Streams that are taken. Changed under the pool's lock, but for those given back.
    taken: AtomicUsize,
    /// What the peer's SETTINGS allow; one until they have come.
    allowed: AtomicUsize,
    /// Whether an answer has shown that the peer takes our credential.
    is_proven: AtomicBool,
}

impl Connection {
    /// Opens a connection, which takes itself out of the pool when it ends or has grown old.
    pub(super) async fn open(
        target: &Target,
        settings: &PoolSettings,
    ) -> Result<(Self, Driver), ConnectError> {
        let opened = async {
            let stream = target.connect().await.map_err(ConnectError::Unreachable)?;
            http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(PING_EVERY)
                .keep_alive_timeout(PING_TIMEOUT)
                .keep_alive_while_idle(true)
                // Until the peer has said how many it takes.
                .initial_max_send_streams(1)
                .handshake(TokioIo::new(stream))
                .await
                .map_err(ConnectError::Handshake)
        };
        let opened = tokio::time::timeout(settings.timeout, opened).await;
        let (requests, driver) = opened.map_err(|_| ConnectError::Timeout)??;
        let connection = Self {
            requests,
            taken: AtomicUsize::new(0),
            allowed: AtomicUsize::new(1),
            is_proven: AtomicBool::new(settings.proving == Proving::NotNeeded),
        };
        Ok((connection, driver))
    }

    /// The way to send on it.
    pub(super) fn requests(&self) -> Requests {
        self.requests.clone()
    }

    /// Whether nothing more can be sent on it: it has ended, or its peer has said GOAWAY.
    pub(super) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    /// How many streams of at most `most` it takes.
    pub(super) fn capacity(&self, most: usize) -> usize {
        if self.is_proven.load(Ordering::Relaxed) {
            self.allowed.load(Ordering::Relaxed).min(most)
        } else {
            1
        }
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    pub(super) fn take(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether it was not proven before.
    pub(super) fn prove(&self) -> bool {
        !self.is_proven.swap(true, Ordering::Relaxed)
    }

    /// Whether the limit is another than before.
    fn allow(&self, streams: usize) -> bool {
        self.allowed.swap(streams, Ordering::Relaxed) != streams
    }
}

/// Drives a connection to its end. It is no more given out once it has lived for `age`.
#[expect(
    clippy::disallowed_methods,
    reason = "the driver ends when the last handle to its connection is dropped"
)]
pub(super) fn drive(driver: Driver, connection: Weak<Connection>, pool: Weak<Shared>, age: Duration) {
    tokio::spawn(async move {
        let mut driver = pin!(driver);
        let mut old = pin!(tokio::time::sleep(age));
        let mut is_old = false;
        loop {
            let ended = std::future::poll_fn(|context| {
                let ended = driver.as_mut().poll(context);
                if let Some(connection) = connection.upgrade()
                    && connection.allow(driver.current_max_send_streams())
                    && let Some(pool) = pool.upgrade()
                {
                    pool.changed();
                }
                match ended {
                    Poll::Ready(ended) => Poll::Ready(ended),
                    Poll::Pending => Poll::Pending,
                }
            });
            tokio::select! {
                ended = ended => {
                    if let Err(error) = ended {
                        tracing::debug!(error = %error, "a gateway connection has ended");
                    }
                    break;
                }
                () = old.as_mut(), if !is_old => {
                    is_old = true;
                    retire(&pool, &connection);
                }
                () = tokio::time::sleep(NEEDED_EVERY), if !is_old => {
                    let surplus = pool.upgrade().is_some_and(|pool| pool.has_surplus());
                    is_old = surplus;
                    if surplus {
                        retire(&pool, &connection);
                    }
                }
            }
        }
        retire(&pool, &connection);
    });
}

fn retire(pool: &Weak<Shared>, connection: &Weak<Connection>) {
    if let Some(pool) = pool.upgrade() {
        pool.retire(connection);
    }
}
