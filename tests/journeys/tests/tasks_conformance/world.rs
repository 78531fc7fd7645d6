//! A queue server, a client, a clock that stands still, and a handler that remembers.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use emulator::clock::{Clock, ManualClock, SystemClock};
use emulator::tasks::{Config, Server, Storage};
use gcloud_sdk::google::cloud::tasks::v2::cloud_tasks_client::CloudTasksClient;
use gcloud_sdk::google::cloud::tasks::v2::{
    CreateQueueRequest, CreateTaskRequest, DeleteTaskRequest, GetQueueRequest, GetTaskRequest, HttpRequest,
    ListTasksRequest, ListTasksResponse, PauseQueueRequest, PurgeQueueRequest, Queue, ResumeQueueRequest,
    RunTaskRequest, Task, task,
};
use gcloud_sdk::google_cloud_auth::credentials::anonymous;
use gcloud_sdk::{GoogleApi, GoogleAuthMiddleware};
use tempfile::TempDir;
use tonic::{Response, Status};

use crate::handler::Handler;

/// How long a test waits for a state before it fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) const LOCATION: &str = "projects/demo/locations/tokyo";
pub(crate) const QUEUE: &str = "projects/demo/locations/tokyo/queues/fast";

type Client = CloudTasksClient<GoogleAuthMiddleware>;

/// Everything that one test owns. The queue `fast` exists unless the test makes its own.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) handler: Handler,
    client: Client,
    server: Option<Server>,
    config: Config,
    _directory: Option<TempDir>,
}

impl World {
    pub(crate) async fn in_memory() -> Self {
        Self::new(Storage::Memory, None).await
    }

    pub(crate) async fn on_file() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::new(Storage::File(directory.path().join("tasks.db")), Some(directory)).await
    }

    async fn new(storage: Storage, directory: Option<TempDir>) -> Self {
        // OIDC tokens are verified by the machine's clock, so the test begins at its present.
        let clock = Arc::new(ManualClock::new(SystemClock.now().trunc_subsecs(6)));
        let config = Config {
            clock: clock.clone(),
            drain: Duration::from_millis(200),
            ..Config::new(storage)
        };
        let (server, client) = start(config.clone()).await;
        let handler = Handler::start().await;
        Self {
            clock,
            handler,
            client,
            server: Some(server),
            config,
            _directory: directory,
        }
    }

    /// Stops the server, changes its configuration, and starts it on the same storage.
    pub(crate) async fn restart(&mut self, change: impl FnOnce(&mut Config)) {
        self.server.take().unwrap().stop().await;
        change(&mut self.config);
        let (server, client) = start(self.config.clone()).await;
        (self.server, self.client) = (Some(server), client);
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.server.as_ref().unwrap().address())
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The client, for calls that have no word here.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Creates the queue `fast` with what `settings` sets.
    pub(crate) async fn queue(&self, settings: Queue) -> Queue {
        self.create_queue(settings).await.unwrap()
    }

    pub(crate) async fn create_queue(&self, settings: Queue) -> Result<Queue, Status> {
        let queue = Queue {
            name: QUEUE.to_owned(),
            ..settings
        };
        let request = CreateQueueRequest {
            parent: LOCATION.to_owned(),
            queue: Some(queue),
        };
        self.client()
            .create_queue(request)
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn get_queue(&self) -> Result<Queue, Status> {
        let name = QUEUE.to_owned();
        let got = self.client().get_queue(GetQueueRequest { name }).await;
        got.map(Response::into_inner)
    }

    pub(crate) async fn pause(&self) -> Queue {
        let name = QUEUE.to_owned();
        let paused = self.client().pause_queue(PauseQueueRequest { name }).await;
        paused.unwrap().into_inner()
    }

    pub(crate) async fn resume(&self) -> Queue {
        let name = QUEUE.to_owned();
        let resumed = self.client().resume_queue(ResumeQueueRequest { name }).await;
        resumed.unwrap().into_inner()
    }

    pub(crate) async fn purge(&self) -> Result<Queue, Status> {
        let name = QUEUE.to_owned();
        let purged = self.client().purge_queue(PurgeQueueRequest { name }).await;
        purged.map(Response::into_inner)
    }

    /// A page of the queue's tasks: of two, from that token on.
    pub(crate) async fn list(&self, page_token: String) -> ListTasksResponse {
        let request = ListTasksRequest {
            parent: QUEUE.to_owned(),
            page_size: 2,
            page_token,
            ..ListTasksRequest::default()
        };
        self.client().list_tasks(request).await.unwrap().into_inner()
    }

    /// A task of that id for the handler, due at once.
    pub(crate) fn task(&self, id: &str) -> Task {
        let request = HttpRequest {
            url: self.handler.url(),
            body: id.into(),
            ..HttpRequest::default()
        };
        Task {
            name: format!("{QUEUE}/tasks/{id}"),
            message_type: Some(task::MessageType::HttpRequest(request)),
            ..Task::default()
        }
    }

    pub(crate) async fn create(&self, task: Task) -> Result<Task, Status> {
        let request = CreateTaskRequest {
            parent: QUEUE.to_owned(),
            task: Some(task),
            response_view: 0,
        };
        self.client().create_task(request).await.map(Response::into_inner)
    }

    /// A task of that id, due so much later.
    pub(crate) fn task_in(&self, id: &str, delay: TimeDelta) -> Task {
        Task {
            schedule_time: timestamp(self.now() + delay),
            ..self.task(id)
        }
    }

    pub(crate) async fn delete(&self, id: &str) -> Result<(), Status> {
        let name = format!("{QUEUE}/tasks/{id}");
        let deleted = self.client().delete_task(DeleteTaskRequest { name }).await;
        deleted.map(|_| ())
    }

    /// Runs a task by force, whatever its time and the queue's state and limits.
    pub(crate) async fn force(&self, id: &str) -> Task {
        let request = RunTaskRequest {
            name: format!("{QUEUE}/tasks/{id}"),
            response_view: 0,
        };
        self.client().run_task(request).await.unwrap().into_inner()
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Task, Status> {
        let request = GetTaskRequest {
            name: format!("{QUEUE}/tasks/{id}"),
            response_view: task::View::Full as i32,
        };
        self.client().get_task(request).await.map(Response::into_inner)
    }

    /// The task once it has been attempted so often.
    pub(crate) async fn attempted(&self, id: &str, attempts: i32) -> Task {
        until("the attempt is recorded", async || {
            self.get(id)
                .await
                .ok()
                .filter(|task| task.dispatch_count == attempts)
        })
        .await
    }

    /// Returns once the task is no longer there.
    pub(crate) async fn ended(&self, id: &str) {
        until("the task has ended", async || self.get(id).await.err()).await;
    }
}

async fn start(config: Config) -> (Server, Client) {
    let server = Server::start(config, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .await
        .unwrap();
    let api = GoogleApi::from_function_with_credentials(
        CloudTasksClient::new,
        format!("http://{}", server.address()),
        None,
        anonymous::Builder::new().build(),
    )
    .await
    .unwrap();
    (server, api.get())
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let answer = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(DEADLINE, answer)
        .await
        .unwrap_or_else(|_| panic!("waited in vain until {what}"))
}

/// What a task asks of its handler.
pub(crate) fn request_mut(task: &mut Task) -> &mut HttpRequest {
    match &mut task.message_type {
        Some(task::MessageType::HttpRequest(request)) => request,
        other => panic!("no HTTP target: {other:?}"),
    }
}

/// A protobuf duration of so many milliseconds.
pub(crate) fn millis(millis: i64) -> Option<prost_types::Duration> {
    let nanos = i32::try_from(millis % 1_000 * 1_000_000).unwrap();
    Some(prost_types::Duration {
        seconds: millis / 1_000,
        nanos,
    })
}

/// A protobuf timestamp of the instant.
pub(crate) fn timestamp(at: DateTime<Utc>) -> Option<prost_types::Timestamp> {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap();
    Some(prost_types::Timestamp {
        seconds: at.timestamp(),
        nanos,
    })
}

/// The instant of a protobuf timestamp.
pub(crate) fn instant(timestamp: &Option<prost_types::Timestamp>) -> DateTime<Utc> {
    let timestamp = timestamp.unwrap();
    DateTime::from_timestamp(timestamp.seconds, timestamp.nanos.try_into().unwrap()).unwrap()
}
