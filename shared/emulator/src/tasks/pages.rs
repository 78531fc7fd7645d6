//! What the port answers over plain HTTP: that it is alive, and how to verify its tokens.

use http::{Method, Request, Response, StatusCode};
use tonic::body::Body;

use super::identity::Identity;
use crate::grpc;

/// Answers a request that is not a call of Cloud Tasks.
pub(super) fn answer<B>(request: &Request<B>, identity: &Identity) -> Response<Body> {
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n");
    }
    match request.uri().path() {
        "/" => plain(StatusCode::OK, "Ok"),
        "/.well-known/openid-configuration" => json(&identity.discovery()),
        "/certs" => json(&identity.key_set()),
        _ => plain(StatusCode::NOT_FOUND, "not found\n"),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    grpc::page(status, "text/plain; charset=utf-8", text)
}

fn json(document: &serde_json::Value) -> Response<Body> {
    grpc::page(StatusCode::OK, "application/json", document.to_string())
}
