//! One connection of the pool: how it is opened, how many streams it takes, and its end.
//!
//! It stands on `h2` itself: hyper's client tells neither when the peer's SETTINGS have come nor
//! when it has said GOAWAY, on which the number of streams depends.

use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use h2::client::{Builder, SendRequest};
use h2::{Ping, PingPong};

use super::pool::{PoolSettings, Proving, Shared};
use super::target::{Stream, Target};

/// A connection is asked this often whether it lives, also while nothing is on it.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a connection asks whether it is still needed.
const NEEDED_EVERY: Duration = Duration::from_secs(300);

/// A full connection takes further requests by as many of what it carries.
const BUNCHES: usize = 8;

type Driver = h2::client::Connection<Box<dyn Stream>, Bytes>;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the gateway cannot be reached")]
    Unreachable(#[source] std::io::Error),
    #[error("the gateway does not speak HTTP/2")]
    Handshake(#[source] h2::Error),
    #[error("the gateway did not accept a connection in time")]
    Timeout,
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    requests: SendRequest<Bytes>,
    /// Streams that are taken. Changed under the pool's lock.
    taken: AtomicUsize,
    /// Whether all were taken, and few have come back since. Changed under the pool's lock.
    is_full: AtomicBool,
    /// What the peer's SETTINGS allow; one until they have come.
    allowed: AtomicUsize,
    /// Whether an answer has shown that the peer takes our credential.
    is_proven: AtomicBool,
    /// Whether it takes no further requests.
    is_retired: AtomicBool,
    /// Whether nothing comes on it any more.
    has_ended: AtomicBool,
}

impl Connection {
    /// Opens a connection, which takes itself out of the pool when it ends or has grown old.
    pub(super) async fn open(
        target: &Target,
        settings: &PoolSettings,
    ) -> Result<(Self, Driver), ConnectError> {
        let opened = async {
            let stream = target.connect().await.map_err(ConnectError::Unreachable)?;
            Builder::new()
                // Until the peer has said how many it takes.
                .initial_max_send_streams(1)
                .enable_push(false)
                .handshake::<_, Bytes>(stream)
                .await
                .map_err(ConnectError::Handshake)
        };
        let opened = tokio::time::timeout(settings.timeout, opened).await;
        let (requests, driver) = opened.map_err(|_| ConnectError::Timeout)??;
        let connection = Self {
            requests,
            taken: AtomicUsize::new(0),
            is_full: AtomicBool::new(false),
            allowed: AtomicUsize::new(1),
            is_proven: AtomicBool::new(settings.proving == Proving::NotNeeded),
            is_retired: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        };
        Ok((connection, driver))
    }

    /// The way to send on it.
    pub(super) fn requests(&self) -> SendRequest<Bytes> {
        self.requests.clone()
    }

    /// Whether nothing comes on it any more. One that has said GOAWAY still answers.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::SeqCst)
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

    /// Whether it takes one more request, with at most `most` at once. When it was full, not before
    /// it takes several, which are then written together, and so are their answers.
    pub(super) fn has_room(&self, most: usize) -> bool {
        let capacity = self.capacity(most);
        let free = capacity.saturating_sub(self.taken());
        let wanted = if self.is_full.load(Ordering::Relaxed) {
            capacity / BUNCHES
        } else {
            1
        };
        free >= wanted.max(1) && !self.is_retired.load(Ordering::Relaxed)
    }

    /// Takes a stream, of at most `most`.
    pub(super) fn take(&self, most: usize) {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed) + 1;
        self.is_full
            .store(taken >= self.capacity(most), Ordering::Relaxed);
    }

    pub(super) fn give_back(&self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }

    /// Lets it take no further requests.
    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Relaxed);
    }

    /// Whether it was not proven before.
    pub(super) fn prove(&self) -> bool {
        !self.is_proven.swap(true, Ordering::Relaxed)
    }

    /// Whether the limit is another than before.
    fn allow(&self, streams: usize) -> bool {
        self.allowed.swap(streams, Ordering::Relaxed) != streams
    }

    /// Whether its peer takes no more requests on it.
    fn goes_away(&self, context: &mut Context<'_>) -> bool {
        matches!(self.requests().poll_ready(context), Poll::Ready(Err(_)))
    }
}

/// Drives a connection to its end. It is no more given out once its peer has said GOAWAY, once it
/// has lived for `age`, and once others are enough.
#[expect(
    clippy::disallowed_methods,
    reason = "the driver ends when the last handle to its connection is dropped"
)]
pub(super) fn drive(mut driver: Driver, connection: Weak<Connection>, pool: Weak<Shared>, age: Duration) {
    let pings = driver.ping_pong();
    tokio::spawn(async move {
        let mut silent = std::pin::pin!(silence(pings));
        let mut old = std::pin::pin!(tokio::time::sleep(age));
        let mut is_retired = false;
        loop {
            let ended = std::future::poll_fn(|context| poll(&mut driver, context, &connection, &pool));
            tokio::select! {
                ended = ended => {
                    if let Err(error) = ended {
                        tracing::debug!(error = %error, "a gateway connection has ended");
                    }
                    break;
                }
                () = silent.as_mut() => {
                    tracing::debug!("a gateway connection does not answer");
                    break;
                }
                () = old.as_mut(), if !is_retired => is_retired = true,
                () = tokio::time::sleep(NEEDED_EVERY), if !is_retired => {
                    is_retired = pool.upgrade().is_some_and(|pool| pool.has_surplus());
                }
            }
            if is_retired {
                retire(&pool, &connection);
            }
        }
        if let Some(connection) = connection.upgrade() {
            connection.has_ended.store(true, Ordering::SeqCst);
        }
        retire(&pool, &connection);
    });
}

/// Goes on with a connection, and tells the pool what its peer has said meanwhile.
fn poll(
    driver: &mut Driver,
    context: &mut Context<'_>,
    connection: &Weak<Connection>,
    pool: &Weak<Shared>,
) -> Poll<Result<(), h2::Error>> {
    let ended = driver.poll_unpin(context);
    if let (Some(open), Some(pool)) = (connection.upgrade(), pool.upgrade()) {
        if ended.is_ready() {
            open.has_ended.store(true, Ordering::SeqCst);
        }
        if ended.is_ready() || open.goes_away(context) {
            pool.retire(connection);
        } else if open.allow(driver.max_concurrent_send_streams()) {
            pool.changed(&open);
        }
    }
    ended
}

/// Comes to its end when the peer does not answer any more.
async fn silence(pings: Option<PingPong>) {
    let Some(mut pings) = pings else {
        return std::future::pending().await;
    };
    loop {
        tokio::time::sleep(PING_EVERY).await;
        let answered = tokio::time::timeout(PING_TIMEOUT, pings.ping(Ping::opaque())).await;
        match answered {
            Ok(Ok(_)) => {}
            // The connection's own end says more.
            Ok(Err(_)) => return std::future::pending().await,
            Err(_) => return,
        }
    }
}

fn retire(pool: &Weak<Shared>, connection: &Weak<Connection>) {
    if let Some(pool) = pool.upgrade() {
        pool.retire(connection);
    }
}
