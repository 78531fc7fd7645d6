//! The wire between the queue and a handler, over HTTP/1.1 and HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper::{Request, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use journeys::wire::http::{Proxy, posts};
use journeys::wire::{Fault, Rule};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

const DELIVER: &str = "/tasks/deliver";

/// Longer than what was meant to happen before it takes.
const LATER: Duration = Duration::from_secs(2);

const VERSIONS: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];

/// A handler that takes its time, reached over the wire.
struct World {
    handler: Arc<Handler>,
    wire: Proxy,
    _server: JoinSet<()>,
}

struct Handler {
    begun: AtomicUsize,
    done: AtomicUsize,
    changed: Notify,
    /// How many may come to their end.
    may_end: Semaphore,
}

impl World {
    /// A handler whose first calls may come to their end, so many of them.
    async fn new(may_end: usize) -> Self {
        let handler = Arc::new(Handler {
            begun: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            changed: Notify::new(),
            may_end: Semaphore::new(may_end),
        });
        let router = Router::new()
            .route(DELIVER, post(handle))
            .with_state(handler.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            handler,
            wire: Proxy::start(address, 1).await,
            _server: server,
        }
    }

    /// Calls the handler over a connection of its own; `None` if that is cut off.
    async fn call(&self, version: Version) -> Option<(StatusCode, Bytes)> {
        let stream = TokioIo::new(TcpStream::connect(self.wire.address()).await.unwrap());
        let uri = match version {
            Version::HTTP_2 => format!("http://{}{DELIVER}", self.wire.address()),
            _ => DELIVER.to_owned(),
        };
        let request = Request::post(uri)
            .header("host", "sender")
            .body(Full::new(Bytes::from_static(b"a chunk")))
            .unwrap();
        let mut tasks = JoinSet::new();
        let response = if version == Version::HTTP_2 {
            let (mut send, connection) = http2::handshake(TokioExecutor::new(), stream).await.ok()?;
            tasks.spawn(async { drop(connection.await) });
            send.send_request(request).await
        } else {
            let (mut send, connection) = http1::handshake(stream).await.ok()?;
            tasks.spawn(async { drop(connection.await) });
            send.send_request(request).await
        };
        let response = response.ok()?;
        let status = response.status();
        let body = response.into_body().collect().await.ok()?.to_bytes();
        Some((status, body))
    }
}

async fn handle(State(handler): State<Arc<Handler>>, body: Bytes) -> Bytes {
    handler.begun.fetch_add(1, Ordering::SeqCst);
    handler.changed.notify_waiters();
    handler.may_end.acquire().await.unwrap().forget();
    handler.done.fetch_add(1, Ordering::SeqCst);
    handler.changed.notify_waiters();
    body
}

impl Handler {
    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    fn done(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }

    /// Waits until it is so.
    async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.changed.notified();
            if is_so(self) {
                return;
            }
            changed.await;
        }
    }
}

fn answered() -> Option<(StatusCode, Bytes)> {
    Some((StatusCode::OK, Bytes::from_static(b"a chunk")))
}

#[tokio::test]
async fn without_a_rule_a_wire_is_transparent() {
    for version in VERSIONS {
        let world = World::new(1).await;

        assert_eq!(world.call(version).await, answered(), "{version:?}");

        assert_eq!((world.handler.done(), world.wire.fired().total()), (1, 0));
    }
}

#[tokio::test]
async fn a_lost_acknowledgement_is_of_a_handler_that_is_done() {
    for version in VERSIONS {
        let world = World::new(2).await;
        let lost = world.wire.inject(Rule::new(Fault::DropReply, posts(DELIVER)));

        assert_eq!(world.call(version).await, None, "{version:?}");

        assert_eq!((world.handler.done(), lost.count()), (1, 1));
        assert_eq!(world.call(version).await, answered());
    }
}

#[tokio::test]
async fn a_dropped_request_is_one_that_nobody_handles() {
    for version in VERSIONS {
        for fault in [Fault::DropRequest, Fault::Reset] {
            let world = World::new(1).await;
            let _lost = world.wire.inject(Rule::new(fault, posts(DELIVER)));

            assert_eq!(world.call(version).await, None, "{version:?} {fault:?}");

            assert_eq!(world.call(version).await, answered());
            assert_eq!(world.handler.begun(), 1);
        }
    }
}

#[tokio::test]
async fn a_handler_that_was_given_up_runs_beside_its_second_copy() {
    for version in VERSIONS {
        let world = World::new(0).await;
        let _given_up = world
            .wire
            .inject(Rule::new(Fault::Late(Duration::ZERO), posts(DELIVER)));

        assert_eq!(world.call(version).await, None, "{version:?}");
        let (second, ()) = tokio::join!(world.call(version), async {
            world.handler.until(|handler| handler.begun() == 2).await;
            assert_eq!(world.handler.done(), 0);
            world.handler.may_end.add_permits(2);
        });

        assert_eq!(second, answered());
        world.wire.at_rest().await;
        assert_eq!(world.handler.done(), 2);
    }
}

#[tokio::test]
async fn two_copies_run_at_once_and_one_is_answered() {
    for version in VERSIONS {
        let world = World::new(0).await;
        let _twice = world.wire.inject(Rule::new(Fault::Twice, posts(DELIVER)));

        let (answer, ()) = tokio::join!(world.call(version), async {
            world.handler.until(|handler| handler.begun() == 2).await;
            assert_eq!(world.handler.done(), 0);
            world.handler.may_end.add_permits(2);
        });

        assert_eq!(answer, answered(), "{version:?}");
        world.wire.at_rest().await;
        assert_eq!(world.handler.done(), 2);
    }
}

#[tokio::test]
async fn a_refusal_is_answered_in_the_servers_name() {
    for version in VERSIONS {
        let world = World::new(1).await;
        let _throttled = world.wire.inject(Rule::new(Fault::Refuse(429), posts(DELIVER)));

        let answer = world.call(version).await;

        assert_eq!(answer, Some((StatusCode::TOO_MANY_REQUESTS, Bytes::new())));
        assert_eq!(world.handler.begun(), 0);
    }
}

#[tokio::test]
async fn a_hung_request_is_cut_off_when_its_rule_is_withdrawn() {
    for version in VERSIONS {
        let world = World::new(1).await;
        let hung = world.wire.inject(Rule::new(Fault::Hang, posts(DELIVER)));

        let (answer, ()) = tokio::join!(world.call(version), async move {
            hung.fired().await;
            drop(hung);
        });

        assert_eq!(answer, None, "{version:?}");
        assert_eq!(world.handler.begun(), 0);
    }
}

#[tokio::test]
async fn a_slow_request_comes_through() {
    for version in VERSIONS {
        let world = World::new(1).await;
        let slow = world.wire.inject(Rule::new(Fault::Slow(LATER), posts(DELIVER)));

        let (answer, begun_before) = tokio::join!(world.call(version), async {
            slow.fired().await;
            world.handler.begun()
        });

        assert_eq!((answer, begun_before), (answered(), 0), "{version:?}");
    }
}

#[tokio::test]
async fn without_a_server_the_client_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    for version in VERSIONS {
        let world = World::new(1).await;
        let wire = Proxy::start(nobody, 1).await;

        let answer = World { wire, ..world }.call(version).await;

        assert_eq!(answer, None, "{version:?}");
    }
}
