//! Requests and answers over HTTP, whatever they are about.
//!
//! Each connection of a client has one of its own to the server, in the same version of HTTP,
//! and ends with it. Requests are read whole before they go on; answers go on as they come. A
//! request whose client is cut off goes to the server over a connection of its own, so that it
//! gets there whatever becomes of the client.

use std::io;
use std::os::fd::AsFd;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustix::net::sockopt::set_socket_linger;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::fault::Fault;
use super::proxy::{Cut, Wire};
use super::rule::Strike;
use super::upstream::Upstream;

/// HTTP/2 windows that a commit of 500 entities fits in.
pub(super) const STREAM_WINDOW: u32 = 4 << 20;
pub(super) const CONNECTION_WINDOW: u32 = 16 << 20;

/// More requests at once than any client of ours makes.
const STREAMS: u32 = 1_000;

/// A request as the rules of one kind of wire see it.
pub(super) trait Asked: Send + Sync + Sized + 'static {
    fn read(head: &Parts, body: &Bytes) -> Self;

    /// The server's way to refuse one with that code.
    fn refusal(code: u16) -> Response<Full<Bytes>>;
}

type Answer = Response<Either<Incoming, Full<Bytes>>>;

/// A client's connection, and its own to the server.
struct Line<A> {
    wire: Arc<Wire<A>>,
    upstream: Mutex<Option<Upstream>>,
    /// The server has left.
    left: CancellationToken,
    /// The client's connection is to be reset.
    reset: CancellationToken,
}

pub(super) async fn serve<A: Asked>(client: TcpStream, mut cut: Cut, wire: Arc<Wire<A>>) {
    // Tells the kernel how to close the connection, when hyper has it.
    let Ok(twin) = client.as_fd().try_clone_to_owned() else {
        return;
    };
    let line = Arc::new(Line {
        wire,
        upstream: Mutex::default(),
        left: CancellationToken::new(),
        reset: CancellationToken::new(),
    });
    let service = service_fn(|request| line.clone().exchange(request));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http2()
        .max_concurrent_streams(STREAMS)
        // Resets are what a rule may do all day.
        .max_local_error_reset_streams(None)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(client), service));
    let mut is_leaving = false;
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            () = line.left.cancelled(), if !is_leaving => {
                is_leaving = true;
                connection.as_mut().graceful_shutdown();
            }
            () = line.reset.cancelled() => {
                // Fails only for a connection that is gone, which is what is wanted.
                let _ = set_socket_linger(&twin, Some(Duration::ZERO));
                return;
            }
            () = cut.cut() => return,
        }
    }
}

impl<A: Asked> Line<A> {
    async fn exchange(self: Arc<Self>, request: Request<Incoming>) -> io::Result<Answer> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let strike = self.wire.strike(&A::read(&head, &body));
        let request = Request::from_parts(head, Full::new(body));
        match strike {
            None => self.pass(request).await,
            Some(strike) => self.befall(&strike, request).await,
        }
    }

    /// Does to a request what its rule says. An error cuts the client off.
    async fn befall(&self, strike: &Strike, request: Request<Full<Bytes>>) -> io::Result<Answer> {
        match strike.fault {
            Fault::DropRequest => {}
            Fault::DropReply => {
                // Goes on if the client leaves meanwhile.
                let _ = self.deliver(Duration::ZERO, request).await;
            }
            Fault::Late(by) => drop(self.deliver(by, request)),
            Fault::Reset => {
                self.reset.cancel();
                // It ends with the connection.
                return std::future::pending().await;
            }
            Fault::Hang => strike.withdrawn().await,
            Fault::Slow(by) => {
                sleep(by).await;
                return self.pass(request).await;
            }
            Fault::Refuse(code) => return Ok(A::refusal(code).map(Either::Right)),
            Fault::Twice => {
                drop(self.deliver(Duration::ZERO, request.clone()));
                return self.pass(request).await;
            }
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    async fn pass(&self, request: Request<Full<Bytes>>) -> io::Result<Answer> {
        let mut upstream = self.upstream.lock().await;
        let open = match upstream.as_mut() {
            Some(open) => open,
            None => {
                let ended = self.left.clone().drop_guard();
                upstream.insert(Upstream::open(&self.wire, request.version(), ended).await?)
            }
        };
        let response = match open {
            // The next request can only come when this one is answered.
            Upstream::Http1(_) => open.send(request).await,
            Upstream::Http2(shared) => {
                let mut own = Upstream::Http2(shared.clone());
                drop(upstream);
                own.send(request).await
            }
        };
        Ok(response?.map(Either::Left))
    }

    /// Has the server do what was asked, so much later, over a connection of its own.
    fn deliver(&self, by: Duration, request: Request<Full<Bytes>>) -> JoinHandle<Option<io::Result<()>>> {
        let (wire, late) = (self.wire.clone(), self.wire.late());
        self.wire.spawn(async move {
            let _late = late;
            sleep(by).await;
            let ended = CancellationToken::new().drop_guard();
            let mut upstream = Upstream::open(&wire, request.version(), ended).await?;
            let response = upstream.send(request).await?;
            response.into_body().collect().await.map_err(io::Error::other)?;
            Ok(())
        })
    }
}
