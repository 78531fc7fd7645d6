//! A wire for plain HTTP/1.1 and HTTP/2: from the queue to the sender, from the sender to a
//! gateway.
//!
//! A lost acknowledgement is [`Fault::DropReply`]; a handler that goes on past its deadline while
//! a second copy runs is [`Fault::Late`] by no time; two copies at once are [`Fault::Twice`]; a
//! message that was accepted and reset is [`Fault::DropReply`] again.
//!
//! [`Fault::DropReply`]: super::Fault::DropReply
//! [`Fault::Late`]: super::Fault::Late
//! [`Fault::Twice`]: super::Fault::Twice

use std::fmt::Display;

use bytes::Bytes;
use http_body_util::Full;
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use super::exchange::{self, Asked};

/// A proxy in front of one server.
pub type Proxy = super::Proxy<Request>;

impl Proxy {
    /// A transparent wire to `upstream`, a `host:port`. The shares of rules are drawn from `seed`.
    pub async fn start(upstream: impl Display, seed: u64) -> Self {
        Self::listen(upstream, seed, |_| true, exchange::serve).await
    }
}

/// What a client asks of the server.
#[derive(Clone, Debug)]
pub struct Request {
    /// What it wants done.
    pub method: Method,
    /// To what; without a query.
    pub path: String,
    /// All of it.
    pub body: Bytes,
}

/// For a rule about what is posted to a path that ends with `path`.
pub fn posts(path: &str) -> impl Fn(&Request) -> bool + use<> {
    let path = path.to_owned();
    move |request| request.method == Method::POST && request.path.ends_with(&path)
}

impl Asked for Request {
    fn read(head: &Parts, body: &Bytes) -> Self {
        Self {
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            body: body.clone(),
        }
    }

    fn refusal(code: u16) -> Response<Full<Bytes>> {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::from_u16(code).expect("a rule refuses with a status of HTTP");
        response
    }
}
