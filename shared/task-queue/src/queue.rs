//! Cloud Tasks v2: the queues of the two lanes, and the tasks in them.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use campaign::Lane;
use chrono::{DateTime, Utc};
use gcloud_sdk::google::cloud::tasks::v2::cloud_tasks_client::CloudTasksClient;
use gcloud_sdk::google::cloud::tasks::v2::http_request::AuthorizationHeader;
use gcloud_sdk::google::cloud::tasks::v2::task::MessageType;
use gcloud_sdk::google::cloud::tasks::v2::{
    CreateQueueRequest, CreateTaskRequest, HttpMethod, HttpRequest, OidcToken, Queue, RateLimits, Task,
};
use gcloud_sdk::google_cloud_auth::credentials::anonymous;
use gcloud_sdk::tonic::{Code, Status};
use gcloud_sdk::{GoogleApi, GoogleAuthMiddleware, RequestTimeouts};

use crate::delivery::Delivery;

/// Where the queues are, and whom their tasks call.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://cloudtasks.googleapis.com`, or `http://host:port` of an emulator, which is
    /// spoken to in clear and without credentials.
    pub endpoint: String,
    /// The Google Cloud project.
    pub project: String,
    /// Its location, as in `asia-northeast1`.
    pub location: String,
    /// The name of the queue of small and urgent campaigns.
    pub fast: String,
    /// The name of the queue of large campaigns.
    pub bulk: String,
    /// The sender's address for deliveries: `https://…/tasks/deliver`.
    pub handler: String,
    /// Whose token the queue attaches.
    pub oidc: Oidc,
    /// How long the queue waits for the handler: 15 s to 30 min.
    pub dispatch_deadline: Duration,
    /// How many tasks of a lane the queue runs at once, where it is created here.
    pub max_concurrent: u16,
    /// The longest a call to the queue may take.
    pub deadline: Duration,
}

/// The identity that the queue proves to the handler.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// The service account in whose name the queue signs.
    pub service_account: String,
    /// The audience of the token.
    pub audience: String,
}

/// Why a call to the queue did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The queue cannot be reached or asks for patience: later.
    #[error("the task queue is not reachable")]
    Unreachable(#[source] Box<Status>),
    /// The queue refused the request: credentials, names, or a fault of ours.
    #[error("the task queue refused the request")]
    Refused(#[source] Box<Status>),
    /// The credentials or the endpoint cannot be used.
    #[error("the task queue client cannot be made")]
    Client(#[source] Box<gcloud_sdk::error::Error>),
}

/// What became of a hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// The task is new.
    Created,
    /// This chunk and generation were handed over before.
    Existed,
}

/// The queues of the two lanes.
#[derive(Clone)]
pub struct TaskQueue {
    client: GoogleApi<CloudTasksClient<GoogleAuthMiddleware>>,
    settings: Settings,
}

impl std::fmt::Debug for TaskQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskQueue")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl TaskQueue {
    /// Connects; an endpoint that nobody answers at is an error.
    pub async fn connect(settings: Settings) -> Result<Self, Error> {
        let connected = if settings.endpoint.starts_with("http://") {
            let anonymous = anonymous::Builder::new().build();
            GoogleApi::from_function_with_credentials(
                CloudTasksClient::new,
                &settings.endpoint,
                None,
                anonymous,
            )
            .await
        } else {
            GoogleApi::from_function(CloudTasksClient::new, &settings.endpoint, None).await
        };
        let client = connected.map_err(|error| Error::Client(Box::new(error)))?;
        let timeouts = RequestTimeouts::new().with_total(settings.deadline);
        Ok(Self {
            client: client.with_request_timeouts(timeouts),
            settings,
        })
    }

    /// Creates the queues that do not exist; those that do keep the limits an operator gave them.
    pub async fn create_queues(&self) -> Result<(), Error> {
        for lane in Lane::ALL {
            let request = CreateQueueRequest {
                parent: self.location(),
                queue: Some(Queue {
                    name: self.queue(lane),
                    rate_limits: Some(RateLimits {
                        max_concurrent_dispatches: self.settings.max_concurrent.into(),
                        ..RateLimits::default()
                    }),
                    ..Queue::default()
                }),
            };
            match self.client.get().create_queue(request).await {
                Ok(_) => {}
                Err(status) if status.code() == Code::AlreadyExists => {}
                Err(status) => return Err(status.into()),
            }
        }
        Ok(())
    }

    /// Hands `delivery` over, to be dispatched at `at`; one in the past is dispatched now.
    pub async fn enqueue(
        &self,
        lane: Lane,
        delivery: &Delivery,
        at: DateTime<Utc>,
    ) -> Result<Enqueued, Error> {
        let parent = self.queue(lane);
        let task = self.task(&parent, delivery, at);
        let request = CreateTaskRequest {
            parent,
            task: Some(task),
            ..CreateTaskRequest::default()
        };
        match self.client.get().create_task(request).await {
            Ok(_) => Ok(Enqueued::Created),
            Err(status) if status.code() == Code::AlreadyExists => Ok(Enqueued::Existed),
            Err(status) => Err(status.into()),
        }
    }

    fn task(&self, queue: &str, delivery: &Delivery, at: DateTime<Utc>) -> Task {
        let Settings {
            handler,
            oidc,
            dispatch_deadline,
            ..
        } = &self.settings;
        let token = OidcToken {
            service_account_email: oidc.service_account.clone(),
            audience: oidc.audience.clone(),
        };
        let request = HttpRequest {
            url: handler.clone(),
            http_method: HttpMethod::Post.into(),
            headers: HashMap::from([("content-type".to_owned(), "application/json".to_owned())]),
            body: serde_json::to_vec(delivery).expect("ids and numbers serialise"),
            authorization_header: Some(AuthorizationHeader::OidcToken(token)),
        };
        Task {
            name: format!("{queue}/tasks/{}", delivery.task_name()),
            schedule_time: Some(SystemTime::from(at).into()),
            dispatch_deadline: (*dispatch_deadline).try_into().ok(),
            message_type: Some(MessageType::HttpRequest(request)),
            ..Task::default()
        }
    }

    fn location(&self) -> String {
        format!(
            "projects/{}/locations/{}",
            self.settings.project, self.settings.location
        )
    }

    fn queue(&self, lane: Lane) -> String {
        let name = match lane {
            Lane::Fast => &self.settings.fast,
            Lane::Bulk => &self.settings.bulk,
        };
        format!("{}/queues/{name}", self.location())
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let class = match status.code() {
            Code::Aborted
            | Code::ResourceExhausted
            | Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Unknown
            | Code::Internal => Self::Unreachable,
            Code::Ok
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::DataLoss
            | Code::Unauthenticated => Self::Refused,
        };
        class(Box::new(status))
    }
}
