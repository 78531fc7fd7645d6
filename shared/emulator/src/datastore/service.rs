//! The gRPC face: which method a path names, and how its messages are read and written.
//!
//! No server code is generated for these messages, so the few lines that it would have are
//! here, over the same message types that the client uses.

use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Buf;
use prost::Message;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic::server::NamedService;
use tonic::{Request, Response, Status};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

use super::database::Database;
use super::error::Error;
use super::limits::MAX_REQUEST_BYTES;
use super::methods::{commit, ids, lookup, run_aggregation_query, run_query, transaction};

type HttpRequest = http::Request<tonic::body::Body>;
type HttpResponse = http::Response<tonic::body::Body>;

/// The service `google.datastore.v1.Datastore`.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    database: Arc<Database>,
}

impl Service {
    /// The service over a database.
    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

impl NamedService for Service {
    const NAME: &'static str = "google.datastore.v1.Datastore";
}

impl tower::Service<HttpRequest> for Service {
    type Response = HttpResponse;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest) -> Self::Future {
        let database = self.database.clone();
        Box::pin(async move { Ok(route(database, request).await) })
    }
}

async fn route(database: Arc<Database>, request: HttpRequest) -> HttpResponse {
    let method = request.uri().path().rsplit('/').next().unwrap_or_default();
    match method {
        "BeginTransaction" => unary(database, request, transaction::begin).await,
        "Rollback" => unary(database, request, transaction::rollback).await,
        "Commit" => unary(database, request, commit::commit).await,
        "Lookup" => unary(database, request, lookup::lookup).await,
        "RunQuery" => unary(database, request, run_query::run_query).await,
        "RunAggregationQuery" => unary(database, request, run_aggregation_query::run_aggregation_query).await,
        "AllocateIds" => unary(database, request, ids::allocate).await,
        "ReserveIds" => unary(database, request, ids::reserve).await,
        _ => Status::unimplemented("there is no such method").into_http(),
    }
}

async fn unary<Asked, Answer, Method, Answering>(
    database: Arc<Database>,
    request: HttpRequest,
    method: Method,
) -> HttpResponse
where
    Asked: Message + Default + 'static,
    Answer: Message + 'static,
    Method: Fn(Arc<Database>, Asked) -> Answering + Clone + Send + 'static,
    Answering: Future<Output = Result<Answer, Error>> + Send + 'static,
{
    let service = tower::service_fn(move |request: Request<Asked>| {
        let answering = method(database.clone(), request.into_inner());
        async move { Ok(Response::new(answering.await.map_err(Status::from)?)) }
    });
    let mut grpc = tonic::server::Grpc::new(Bounded(PhantomData))
        .max_decoding_message_size(usize::MAX)
        .max_encoding_message_size(usize::MAX);
    grpc.unary(service, request).await
}

/// The protobuf codec, refusing what is over the request limit as production does.
struct Bounded<Asked, Answer>(PhantomData<(Asked, Answer)>);

impl<Asked, Answer> Codec for Bounded<Asked, Answer>
where
    Asked: Message + Default + 'static,
    Answer: Message + 'static,
{
    type Encode = Answer;
    type Decode = Asked;
    type Encoder = ProstEncoder<Answer>;
    type Decoder = BoundedDecoder<Asked>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<Answer, Asked>::default().encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        BoundedDecoder(ProstCodec::<Answer, Asked>::default().decoder())
    }
}

struct BoundedDecoder<Asked>(ProstDecoder<Asked>);

impl<Asked: Message + Default> Decoder for BoundedDecoder<Asked> {
    type Item = Asked;
    type Error = Status;

    fn decode(&mut self, encoded: &mut DecodeBuf<'_>) -> Result<Option<Asked>, Status> {
        let size = encoded.remaining();
        if size > MAX_REQUEST_BYTES {
            return Err(Status::invalid_argument(format!(
                "Request payload size exceeds the limit: {MAX_REQUEST_BYTES} bytes."
            )));
        }
        self.0.decode(encoded)
    }
}
