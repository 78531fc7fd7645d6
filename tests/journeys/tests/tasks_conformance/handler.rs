//! The handler that tasks are dispatched to: it remembers every request and answers by a script.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::world::DEADLINE;

/// A request as the handler saw it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What the handler answers to one request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Status(u16),
    RetryAfter(u16, u64),
    Redirect(String),
}

#[derive(Debug)]
struct Book {
    received: watch::Sender<Vec<Received>>,
    replies: Mutex<VecDeque<Reply>>,
    /// A request is answered when it has a permit; it is recorded before.
    gate: Semaphore,
    running: AtomicUsize,
    most_at_once: AtomicUsize,
}

#[derive(Clone, Debug)]
pub(crate) struct Handler {
    address: SocketAddr,
    book: Arc<Book>,
}

impl Handler {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let book = Arc::new(Book {
            received: watch::Sender::new(Vec::new()),
            replies: Mutex::default(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            running: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        });
        let router = axum::Router::new().fallback(answer).with_state(book.clone());
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's own runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, book }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/deliver", self.address)
    }

    /// Answers the next requests like this, each with one; after them 200.
    pub(crate) fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        self.book.replies.lock().unwrap().extend(replies);
    }

    /// Lets no request be answered until [`Handler::release`].
    pub(crate) fn hold(&self) {
        self.book.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn release(&self, requests: usize) {
        self.book.gate.add_permits(requests);
    }

    /// Everything that was received, once it is at least so much.
    pub(crate) async fn received(&self, at_least: usize) -> Vec<Received> {
        let mut received = self.book.received.subscribe();
        let enough = received.wait_for(|received| received.len() >= at_least);
        match tokio::time::timeout(DEADLINE, enough).await {
            Ok(received) => received.unwrap().clone(),
            Err(_) => panic!("waited in vain for {at_least} dispatches: {:?}", self.bodies()),
        }
    }

    /// The most requests that were here at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.book.most_at_once.load(Ordering::SeqCst)
    }

    /// The bodies of what has been received up to now, sorted.
    pub(crate) fn bodies(&self) -> Vec<String> {
        let mut bodies: Vec<_> = self
            .book
            .received
            .borrow()
            .iter()
            .map(|one| one.body.clone())
            .collect();
        bodies.sort();
        bodies
    }
}

async fn answer(
    State(book): State<Arc<Book>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let received = Received {
        method,
        path: uri.path().to_owned(),
        headers,
        body,
    };
    let reply = book
        .replies
        .lock()
        .unwrap()
        .pop_front()
        .unwrap_or(Reply::Status(200));
    let running = book.running.fetch_add(1, Ordering::SeqCst) + 1;
    book.most_at_once.fetch_max(running, Ordering::SeqCst);
    book.received.send_modify(|all| all.push(received));
    book.gate.acquire().await.unwrap().forget();
    book.running.fetch_sub(1, Ordering::SeqCst);
    let status = |code| StatusCode::from_u16(code).unwrap();
    match reply {
        Reply::Status(code) => status(code).into_response(),
        Reply::RetryAfter(code, seconds) => {
            (status(code), [(header::RETRY_AFTER, seconds.to_string())]).into_response()
        }
        Reply::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
    }
}
