//! A wire for gRPC in clear that knows Datastore v1 and Cloud Tasks v2.
//!
//! A rule can choose calls by method, Commits by the step of the pipeline that they take, and
//! any call by its message. Calls are unary, as all of ours are. A client that is cut off sees
//! its stream reset with INTERNAL_ERROR, which tells it nothing.

mod step;

use std::fmt::Display;
use std::sync::OnceLock;

use bytes::Bytes;
use gcloud_sdk::google::datastore::v1::CommitRequest;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use prost::Message;

pub use step::Step;

use super::exchange::{self, Asked};

/// A proxy in front of one server.
pub type Proxy = super::Proxy<Call>;

impl Proxy {
    /// A transparent wire to `upstream`, a `host:port`. The shares of rules are drawn from `seed`.
    pub async fn start(upstream: impl Display, seed: u64) -> Self {
        Self::listen(upstream, seed, |_| true, exchange::serve).await
    }
}

/// What a client asks of the server.
#[derive(Debug)]
pub struct Call {
    method: String,
    body: Bytes,
    step: OnceLock<Option<Step>>,
}

/// Before a message: whether it is compressed (1 byte), and its length (4 bytes).
const PREFIX: usize = 5;

impl Call {
    /// Its method without the service: `Commit`, `CreateTask`.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Its message; `None` if it is of another type.
    pub fn message<M: Message + Default>(&self) -> Option<M> {
        M::decode(self.body.get(PREFIX..)?).ok()
    }

    /// The step that it takes, if it is a Commit of ours.
    pub fn step(&self) -> Option<Step> {
        let read = || match self.method.as_str() {
            "Commit" => Step::of(&self.message::<CommitRequest>()?.mutations),
            _ => None,
        };
        *self.step.get_or_init(read)
    }
}

/// For a rule about calls of that method.
pub fn calls(method: &str) -> impl Fn(&Call) -> bool + use<> {
    let method = method.to_owned();
    move |call| call.method == method
}

/// For a rule about Commits that take that step.
pub fn commits(step: Step) -> impl Fn(&Call) -> bool {
    move |call| call.step() == Some(step)
}

impl Asked for Call {
    fn read(head: &Parts, body: &Bytes) -> Self {
        let path = head.uri.path();
        Self {
            method: path.rsplit('/').next().unwrap_or(path).to_owned(),
            body: body.clone(),
            step: OnceLock::new(),
        }
    }

    fn refusal(code: u16) -> Response<Full<Bytes>> {
        let mut response = Response::default();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", code.into());
        headers.insert("grpc-message", HeaderValue::from_static("refused on the wire"));
        response
    }
}
