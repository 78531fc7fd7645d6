//! Accepts connections and serves HTTP/1 and HTTP/2 (prior knowledge) on one port.
//!
//! Every connection is a tracked task. At stop no new connection is accepted, the open ones
//! finish their requests, and what is not finished within the drain bound is dropped.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// HTTP/2 flow-control windows, wide enough that a message of some megabytes is not held up.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// The address is taken, or not this machine's: choose another.
#[derive(Debug, thiserror::Error)]
#[error("{address} cannot be listened on")]
pub struct BindError {
    /// The address that was asked for.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

/// The ways to end one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    /// Drops it on the spot when it is cancelled.
    pub(crate) reset: CancellationToken,
    /// Takes no new requests when it is cancelled, which HTTP/2 says by GOAWAY, and answers those
    /// that are under way.
    pub(crate) go_away: CancellationToken,
}

/// A listening port and the tasks that serve it.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    stop: CancellationToken,
    connections: TaskTracker,
}

impl Listener {
    /// Binds `address`; nothing is accepted until [`Listener::serve`] is called with the socket.
    pub(crate) async fn bind(address: SocketAddr) -> Result<(Self, TcpListener), BindError> {
        let refused = |source| BindError { address, source };
        let socket = TcpListener::bind(address).await.map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        let listener = Self {
            address,
            stop: CancellationToken::new(),
            connections: TaskTracker::new(),
        };
        Ok((listener, socket))
    }

    /// Where it listens, with the port that the system chose.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves each connection with a service of its own, made by `service`, which is handed the
    /// ways to end the connection.
    pub(crate) fn serve<M, S, B>(&self, socket: TcpListener, streams: u32, drain: Duration, service: M)
    where
        M: Fn(Ends) -> S + Send + 'static,
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (stop, connections) = (self.stop.clone(), self.connections.clone());
        self.connections.spawn(async move {
            loop {
                let stream = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = socket.accept() => match accepted {
                        Ok((stream, _)) => stream,
                        // Out of file descriptors, or gone before it was accepted: the next one may do.
                        Err(error) => {
                            tracing::warn!(%error, "a connection could not be accepted");
                            tokio::time::sleep(Duration::from_millis(20)).await;
                            continue;
                        }
                    },
                };
                let ends = Ends::default();
                let service = service(ends.clone());
                connections.spawn(serve_connection(
                    stream,
                    service,
                    streams,
                    drain,
                    stop.clone(),
                    ends,
                ));
            }
        });
    }

    /// Stops accepting, and returns once every connection has ended; each ends within its drain.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.connections.close();
        self.connections.wait().await;
    }
}

async fn serve_connection<S, B>(
    stream: TcpStream,
    service: S,
    streams: u32,
    drain: Duration,
    stop: CancellationToken,
    ends: Ends,
) where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    // Answers are small: without this the kernel may hold one back for 40 ms.
    let _ = stream.set_nodelay(true);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http2()
        .max_concurrent_streams(streams)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));

    let mut goes_away = false;
    let ended = loop {
        tokio::select! {
            ended = connection.as_mut() => break ended,
            () = ends.reset.cancelled() => return,
            () = ends.go_away.cancelled(), if !goes_away => {
                goes_away = true;
                connection.as_mut().graceful_shutdown();
            }
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                break tokio::time::timeout(drain, connection).await.unwrap_or(Ok(()));
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended with an error");
    }
}
