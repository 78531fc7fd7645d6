//! The wire: gRPC calls by their method names, everything else as plain HTTP.

use std::convert::Infallible;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use prost::Message;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tonic::body::Body;

use super::api::Api;
use super::identity::Identity;
use super::pages;
use crate::grpc;

const PREFIX: &str = "/google.cloud.tasks.v2.CloudTasks/";
/// The largest request: a task with all that may stand around it.
const REQUEST_BYTES: usize = 1 << 20;

/// Serves one server's port; cheap to clone for each connection.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) api: Arc<Api>,
    pub(super) identity: Arc<Identity>,
    pub(super) calls: TaskTracker,
}

impl Service<Request<Incoming>> for Wire {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let Self { api, identity, calls } = self.clone();
        let Some(method) = request.uri().path().strip_prefix(PREFIX).map(str::to_owned) else {
            return Box::pin(async move { Ok(pages::answer(&request, &identity)) });
        };
        // A task of its own: a caller that goes away must not leave a change half done.
        let call = calls.spawn(async move { call(&api, &method, request).await });
        Box::pin(async move {
            Ok(call
                .await
                .unwrap_or_else(|_| Status::internal("The call failed.").into_http()))
        })
    }
}

async fn call(api: &Api, method: &str, request: Request<Incoming>) -> Response<Body> {
    match method {
        "GetQueue" => unary(request, |asked| api.get_queue(asked)).await,
        "ListQueues" => unary(request, |asked| api.list_queues(asked)).await,
        "CreateQueue" => unary(request, |asked| api.create_queue(asked)).await,
        "UpdateQueue" => unary(request, |asked| api.update_queue(asked)).await,
        "DeleteQueue" => unary(request, |asked| api.delete_queue(asked)).await,
        "PurgeQueue" => unary(request, |asked| api.purge_queue(asked)).await,
        "PauseQueue" => unary(request, |asked| api.pause_queue(asked)).await,
        "ResumeQueue" => unary(request, |asked| api.resume_queue(asked)).await,
        "CreateTask" => unary(request, |asked| api.create_task(asked)).await,
        "GetTask" => unary(request, |asked| api.get_task(asked)).await,
        "ListTasks" => unary(request, |asked| api.list_tasks(asked)).await,
        "DeleteTask" => unary(request, |asked| api.delete_task(asked)).await,
        "RunTask" => unary(request, |asked| api.run_task(asked)).await,
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
    Answering: Future<Output = Result<Answer, Status>>,
{
    grpc::unary(request, REQUEST_BYTES, method).await
}
