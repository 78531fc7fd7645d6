//! A connection to a server of HTTP, in the version that the client speaks.

use std::io;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_util::sync::DropGuard;

use super::exchange::{CONNECTION_WINDOW, STREAM_WINDOW};
use super::proxy::Wire;

/// Where requests go to the server.
pub(super) enum Upstream {
    /// One at a time.
    Http1(http1::SendRequest<Full<Bytes>>),
    /// Side by side.
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Upstream {
    /// Connects. `ended` is dropped when the connection has ended.
    pub(super) async fn open<A>(wire: &Wire<A>, version: Version, ended: DropGuard) -> io::Result<Self> {
        let stream = TokioIo::new(wire.connect().await?);
        if version == Version::HTTP_2 {
            let handshake = http2::Builder::new(TokioExecutor::new())
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .handshake(stream)
                .await;
            let (upstream, connection) = handshake.map_err(io::Error::other)?;
            drive(wire, connection, ended);
            return Ok(Self::Http2(upstream));
        }
        let (upstream, connection) = http1::handshake(stream).await.map_err(io::Error::other)?;
        drive(wire, connection, ended);
        Ok(Self::Http1(upstream))
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> io::Result<Response<Incoming>> {
        let sent = match self {
            Self::Http1(upstream) => {
                upstream.ready().await.map_err(io::Error::other)?;
                upstream.send_request(request).await
            }
            Self::Http2(upstream) => {
                upstream.ready().await.map_err(io::Error::other)?;
                upstream.send_request(request).await
            }
        };
        sent.map_err(io::Error::other)
    }
}

fn drive<A>(
    wire: &Wire<A>,
    connection: impl Future<Output = hyper::Result<()>> + Send + 'static,
    ended: DropGuard,
) {
    wire.spawn(async move {
        // How it ended is told to whoever waits for an answer.
        let _ = connection.await;
        drop(ended);
    });
}
