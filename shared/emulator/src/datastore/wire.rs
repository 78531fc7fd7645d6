//! The wire: gRPC calls by their method names, and two plain HTTP requests.

use std::convert::Infallible;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::Service;
use prost::Message;
use tonic::Status;
use tonic::body::Body;

use super::database::Database;
use super::error::Error;
use super::limits::MAX_REQUEST_BYTES;
use super::methods::{commit, ids, lookup, run_aggregation_query, run_query, transaction};
use crate::grpc;

const PREFIX: &str = "/google.datastore.v1.Datastore/";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Serves one server's port; cheap to clone for each connection.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) database: Arc<Database>,
}

impl Service<Request<Incoming>> for Wire {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let database = self.database.clone();
        let method = request.uri().path().strip_prefix(PREFIX).map(str::to_owned);
        Box::pin(async move {
            Ok(match method {
                Some(method) => call(&database, &method, request).await,
                None => plain(&database, &request).await,
            })
        })
    }
}

async fn call(database: &Arc<Database>, method: &str, request: Request<Incoming>) -> Response<Body> {
    match method {
        "BeginTransaction" => unary(request, |asked| transaction::begin(database, asked)).await,
        "Rollback" => unary(request, |asked| transaction::rollback(database, asked)).await,
        "Commit" => unary(request, |asked| commit::commit(database, asked)).await,
        "Lookup" => unary(request, |asked| lookup::lookup(database, asked)).await,
        "RunQuery" => unary(request, |asked| run_query::run_query(database, asked)).await,
        "RunAggregationQuery" => {
            unary(request, |asked| {
                run_aggregation_query::run_aggregation_query(database, asked)
            })
            .await
        }
        "AllocateIds" => unary(request, |asked| ids::allocate(database, asked)).await,
        "ReserveIds" => unary(request, ids::reserve).await,
        other => Status::unimplemented(format!("{other} is not supported here.")).into_http(),
    }
}

async fn unary<Asked, Answer, Answering>(
    request: Request<Incoming>,
    method: impl Fn(Asked) -> Answering,
) -> Response<Body>
where
    Asked: Message + Default + 'static,
    Answer: Message + 'static,
    Answering: Future<Output = Result<Answer, Error>>,
{
    grpc::unary(request, MAX_REQUEST_BYTES, method).await
}

async fn plain(database: &Database, request: &Request<Incoming>) -> Response<Body> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => grpc::page(StatusCode::OK, PLAIN, "Ok"),
        (&Method::POST, "/reset") => match database.reset().await {
            Ok(()) => grpc::page(StatusCode::OK, PLAIN, "Resetting...\n"),
            Err(error) => grpc::page(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, error.to_string()),
        },
        _ => grpc::page(StatusCode::NOT_FOUND, PLAIN, "not found\n"),
    }
}
