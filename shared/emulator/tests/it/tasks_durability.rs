//! A queue on a file, killed: nothing that was acknowledged is lost.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use emulator::tasks::{Config, Server, StartError, Storage};
use gcloud_sdk::google::cloud::tasks::v2::cloud_tasks_client::CloudTasksClient;
use gcloud_sdk::google::cloud::tasks::v2::{
    CreateQueueRequest, CreateTaskRequest, HttpRequest, ListTasksRequest, Queue, Task, task,
};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use tonic::transport::Channel;

use crate::killable::{Killable, until};

const LOCATION: &str = "projects/demo/locations/tokyo";
const QUEUE: &str = "projects/demo/locations/tokyo/queues/fast";

/// A handler that notes task names; while it is shut it answers nobody.
#[derive(Clone, Default)]
struct Handler {
    seen: Arc<Mutex<Vec<String>>>,
    open: Arc<AtomicBool>,
}

impl Handler {
    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new()
            .fallback(Self::answer)
            .with_state(self.clone());
        TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
        address
    }

    async fn answer(State(handler): State<Self>, headers: HeaderMap) -> StatusCode {
        let name = headers["x-cloudtasks-taskname"].to_str().unwrap().to_owned();
        handler.seen.lock().unwrap().push(name);
        if !handler.open.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        StatusCode::OK
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}

fn task(id: &str, handler: SocketAddr) -> CreateTaskRequest {
    let request = HttpRequest {
        url: format!("http://{handler}/"),
        ..HttpRequest::default()
    };
    let task = Task {
        name: format!("{QUEUE}/tasks/{id}"),
        message_type: Some(task::MessageType::HttpRequest(request)),
        ..Task::default()
    };
    CreateTaskRequest {
        parent: QUEUE.to_owned(),
        task: Some(task),
        response_view: 0,
    }
}

async fn create_queue(client: &mut CloudTasksClient<Channel>) {
    let queue = Queue {
        name: QUEUE.to_owned(),
        ..Queue::default()
    };
    let request = CreateQueueRequest {
        parent: LOCATION.to_owned(),
        queue: Some(queue),
    };
    client.create_queue(request).await.unwrap();
}

async fn connect(server: &Killable) -> CloudTasksClient<Channel> {
    CloudTasksClient::connect(server.url("")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_task_survives_a_kill_and_is_dispatched() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tasks.db");
    let handler = Handler::default();
    let address = handler.start().await;
    let mut first = Killable::start("tasks", &file);
    let mut client = connect(&first).await;
    create_queue(&mut client).await;
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let creators = TaskTracker::new();
    for creator in 0..8 {
        let (mut client, acknowledged) = (client.clone(), acknowledged.clone());
        creators.spawn(async move {
            for n in 0.. {
                let id = format!("t-{creator}-{n}");
                if client.create_task(task(&id, address)).await.is_err() {
                    return;
                }
                acknowledged.lock().unwrap().insert(id);
            }
        });
    }
    creators.close();
    until("tasks are created", async || {
        acknowledged.lock().unwrap().len() >= 200
    })
    .await;

    first.kill();
    creators.wait().await;
    handler.open();
    let second = Killable::start("tasks", &file);
    let mut client = connect(&second).await;
    let list = ListTasksRequest {
        parent: QUEUE.to_owned(),
        page_size: 1,
        ..ListTasksRequest::default()
    };
    until("the queue is empty", async || {
        client
            .list_tasks(list.clone())
            .await
            .unwrap()
            .into_inner()
            .tasks
            .is_empty()
    })
    .await;

    let seen: BTreeSet<String> = handler.seen().into_iter().collect();
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(
        seen.is_superset(&acknowledged),
        "{:?}",
        acknowledged.difference(&seen).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_in_flight_at_the_kill_is_dispatched_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tasks.db");
    let handler = Handler::default();
    let address = handler.start().await;
    let mut first = Killable::start("tasks", &file);
    let mut client = connect(&first).await;
    create_queue(&mut client).await;
    client.create_task(task("only", address)).await.unwrap();
    until("it is in flight", async || handler.seen().len() == 1).await;

    first.kill();
    handler.open();
    let _second = Killable::start("tasks", &file);
    until("it is dispatched again", async || handler.seen().len() == 2).await;

    assert_eq!(handler.seen(), ["only", "only"]);
}

#[tokio::test]
async fn a_file_has_one_server_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::new(Storage::File(directory.path().join("tasks.db")));
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let first = Server::start(config.clone(), loopback).await.unwrap();

    let second = Server::start(config.clone(), loopback).await;
    first.stop().await;
    let third = Server::start(config, loopback).await;

    assert!(matches!(second, Err(StartError::Storage(_))));
    assert!(third.is_ok());
}
