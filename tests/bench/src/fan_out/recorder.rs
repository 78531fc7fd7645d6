//! A Datastore that keeps the requests and no entities.
//!
//! Every commit is taken, and every other call is answered as by an empty store. What came is
//! exactly what the product puts on the wire, so it can be replayed, and handed to others.

use std::convert::Infallible;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A gRPC message on the wire is led by one byte that says whether it is compressed, and by its
/// length in four.
const PREFIX: usize = 5;

/// Wide enough that a commit of 500 entities is not held up.
const WINDOW: u32 = 16 << 20;

/// A listening recorder; it stops when it is dropped.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) address: String,
    record: Arc<Mutex<BufWriter<File>>>,
    _connections: JoinSet<()>,
}

impl Recorder {
    /// Records into a new file: each commit's length in four bytes, little end first, and then
    /// its message.
    pub(super) async fn start(file: &Path) -> anyhow::Result<Self> {
        let record = Arc::new(Mutex::new(BufWriter::new(File::create(file)?)));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let mut connections = JoinSet::new();
        connections.spawn(accept(listener, record.clone()));
        Ok(Self {
            address,
            record,
            _connections: connections,
        })
    }

    /// Writes out what is held back.
    pub(super) fn flush(&self) -> anyhow::Result<()> {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(record.flush()?)
    }
}

async fn accept(listener: TcpListener, record: Arc<Mutex<BufWriter<File>>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let record = record.clone();
        let service = service_fn(move |request| answer(request, record.clone()));
        let serving = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .serve_connection(TokioIo::new(stream), service);
        connections.spawn(async move {
            // A client that goes away is no fault of the recorder's.
            let _ = serving.await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    record: Arc<Mutex<BufWriter<File>>>,
) -> Result<Response<impl Body<Data = Bytes, Error = Infallible>>, anyhow::Error> {
    let commits = request.uri().path().ends_with("/Commit");
    let body = request.into_body().collect().await?.to_bytes();
    if commits {
        let message = message(&body)?;
        let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
        record.write_all(&u32::try_from(message.len())?.to_le_bytes())?;
        record.write_all(message)?;
    }
    let empty = Full::new(Bytes::from_static(&[0; PREFIX]));
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    let mut response = Response::new(empty.with_trailers(async { Some(Ok(trailers)) }));
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(http::header::CONTENT_TYPE, grpc);
    Ok(response)
}

/// The message of a unary call's body.
fn message(body: &[u8]) -> anyhow::Result<&[u8]> {
    let (prefix, message) = body
        .split_at_checked(PREFIX)
        .context("a call without a message")?;
    ensure!(prefix[0] == 0, "a compressed message cannot be replayed as it is");
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::super::bare;
    use super::super::requests::Requests;
    use super::*;

    #[tokio::test]
    async fn what_the_bare_loop_sends_is_what_was_recorded() {
        let directory = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| directory.path().join(name));
        std::fs::write(&first, b"\x02\0\0\0ab\x03\0\0\0cde").unwrap();
        let recorder = Recorder::start(&second).await.unwrap();

        bare::run(&first, &recorder.address, 2).await.unwrap();
        recorder.flush().unwrap();

        let commits = |record| {
            let commits = Requests::open(record).unwrap().map(Result::unwrap);
            let mut commits: Vec<_> = commits.collect();
            commits.sort();
            commits
        };
        assert_eq!(commits(&first), commits(&second));
    }
}
