//! gRPC methods over the SDK's messages, and plain pages beside them on the same port.
//!
//! The SDK generates messages and clients but no servers; the few lines that a generated server
//! would have are here.

use std::future::Future;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use prost::Message;
use tonic::body::Body;
use tonic::server::Grpc;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

/// Answers a call by `method`. A message of more than `most_bytes` is refused unread, as
/// production refuses it: INVALID_ARGUMENT.
pub(crate) async fn unary<Asked, Answer, Answering, Refusal>(
    request: Request<Incoming>,
    most_bytes: usize,
    method: impl Fn(Asked) -> Answering,
) -> Response<Body>
where
    Asked: Message + Default + 'static,
    Answer: Message + 'static,
    Answering: Future<Output = Result<Answer, Refusal>>,
    Refusal: Into<Status>,
{
    let method = tower::service_fn(|request: tonic::Request<Asked>| {
        let answering = method(request.into_inner());
        async move { answering.await.map(tonic::Response::new).map_err(Into::into) }
    });
    let codec = ProstCodec::<Answer, Asked>::default();
    let answer = Grpc::new(codec)
        .max_decoding_message_size(most_bytes)
        .unary(method, request)
        .await;
    match Status::from_header_map(answer.headers()) {
        // Tonic's word for a message over the limit; no method here uses it.
        Some(status) if status.code() == Code::OutOfRange => Status::invalid_argument(format!(
            "Request payload size exceeds the limit: {most_bytes} bytes."
        ))
        .into_http(),
        Some(_) | None => answer,
    }
}

/// A short text as an HTTP answer.
pub(crate) fn page(status: StatusCode, content_type: &'static str, text: impl Into<Bytes>) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, content_type)
        .body(Body::new(Full::new(text.into())))
        .expect("the status and the one header are constants")
}
