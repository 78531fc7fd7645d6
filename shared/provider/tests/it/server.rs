//! An HTTP/2 server that answers when it is told to, and says how it was used.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a test waits for what has to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The server.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) base: String,
    used: Arc<Used>,
}

#[derive(Debug)]
struct Used {
    streams: u32,
    connections: AtomicUsize,
    under_way: AtomicUsize,
    /// The most requests of one connection that were under way at once.
    most: AtomicUsize,
    /// Whether a second request was under way before the first of its connection was answered.
    was_crowded: AtomicBool,
    answers: Semaphore,
    go_away: std::sync::Mutex<CancellationToken>,
}

impl Server {
    /// One that allows so many streams on a connection.
    pub(crate) async fn start(streams: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            used: Arc::new(Used {
                streams,
                connections: AtomicUsize::new(0),
                under_way: AtomicUsize::new(0),
                most: AtomicUsize::new(0),
                was_crowded: AtomicBool::new(false),
                answers: Semaphore::new(0),
                go_away: std::sync::Mutex::default(),
            }),
        };
        let used = server.used.clone();
        TaskTracker::new().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                TaskTracker::new().spawn(serve(stream, used.clone()));
            }
        });
        server
    }

    /// Answers so many requests, those that are under way first.
    pub(crate) fn answer(&self, requests: usize) {
        self.used.answers.add_permits(requests);
    }

    /// Says GOAWAY on every connection that there is.
    pub(crate) fn go_away(&self) {
        let mut go_away = self.used.go_away.lock().unwrap();
        std::mem::take(&mut *go_away).cancel();
    }

    pub(crate) fn connections(&self) -> usize {
        self.used.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn most(&self) -> usize {
        self.used.most.load(Ordering::SeqCst)
    }

    pub(crate) fn was_crowded(&self) -> bool {
        self.used.was_crowded.load(Ordering::SeqCst)
    }

    /// Waits until exactly so many requests are under way.
    pub(crate) async fn until_under_way(&self, requests: usize) {
        let under_way = || self.used.under_way.load(Ordering::SeqCst);
        let waited = tokio::time::timeout(PATIENCE, async {
            while under_way() != requests {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let waited = waited.await;
        assert!(
            waited.is_ok(),
            "{} requests are under way, not {requests}",
            under_way()
        );
    }
}

async fn serve(stream: tokio::net::TcpStream, used: Arc<Used>) {
    used.connections.fetch_add(1, Ordering::SeqCst);
    let go_away = used.go_away.lock().unwrap().clone();
    let (here, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let streams = used.streams;
    let service = service_fn(move |_: Request<Incoming>| {
        let (used, here, answered) = (used.clone(), here.clone(), answered.clone());
        async move {
            let at_once = here.fetch_add(1, Ordering::SeqCst) + 1;
            used.most.fetch_max(at_once, Ordering::SeqCst);
            if at_once > 1 && !answered.load(Ordering::SeqCst) {
                used.was_crowded.store(true, Ordering::SeqCst);
            }
            used.under_way.fetch_add(1, Ordering::SeqCst);
            used.answers.acquire().await.unwrap().forget();
            answered.store(true, Ordering::SeqCst);
            here.fetch_sub(1, Ordering::SeqCst);
            used.under_way.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"{}"))))
        }
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.max_concurrent_streams(streams);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = go_away.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
