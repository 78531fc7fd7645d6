//! A queue on a file, killed: nothing that was acknowledged is lost.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use gcloud_sdk::google::cloud::tasks::v2::cloud_tasks_client::CloudTasksClient;
use gcloud_sdk::google::cloud::tasks::v2::{
    CreateQueueRequest, CreateTaskRequest, HttpRequest, ListTasksRequest, Queue, Task, task,
};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use tonic::transport::Channel;

const LOCATION: &str = "projects/demo/locations/tokyo";
const QUEUE: &str = "projects/demo/locations/tokyo/queues/fast";

/// `examples/tasks.rs` as a process of its own; killed at the latest when it is dropped.
struct Killable {
    child: Child,
    address: String,
}

impl Killable {
    fn start(file: &Path) -> Self {
        let test = std::env::current_exe().unwrap();
        let example = test.parent().unwrap().parent().unwrap().join("examples/tasks");
        let mut child = Command::new(example)
            .arg(file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        Self {
            child,
            address: address.trim().to_owned(),
        }
    }

    async fn client(&self) -> CloudTasksClient<Channel> {
        CloudTasksClient::connect(format!("http://{}", self.address))
            .await
            .unwrap()
    }

    fn kill(&mut self) {
        // SIGKILL: no drain, no flush.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A handler that notes task names; while it is shut it answers nobody.
#[derive(Clone, Default)]
struct Handler {
    seen: Arc<Mutex<Vec<String>>>,
    open: Arc<std::sync::atomic::AtomicBool>,
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
        if !handler.open.load(std::sync::atomic::Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        StatusCode::OK
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn open(&self) {
        self.open.store(true, std::sync::atomic::Ordering::SeqCst);
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

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .unwrap_or_else(|_| panic!("in vain: {what}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_task_survives_a_kill_and_is_dispatched() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tasks.db");
    let handler = Handler::default();
    let address = handler.start().await;
    let mut first = Killable::start(&file);
    let mut client = first.client().await;
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
    let second = Killable::start(&file);
    let mut client = second.client().await;
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
    let mut first = Killable::start(&file);
    let mut client = first.client().await;
    create_queue(&mut client).await;
    client.create_task(task("only", address)).await.unwrap();
    until("it is in flight", async || handler.seen().len() == 1).await;

    first.kill();
    handler.open();
    let _second = Killable::start(&file);
    until("it is dispatched again", async || handler.seen().len() == 2).await;

    assert_eq!(handler.seen(), ["only", "only"]);
}
