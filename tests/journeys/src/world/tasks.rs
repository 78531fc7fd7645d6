//! The task queue from outside: what is in it, and tasks that dispatch did not make.

use std::net::SocketAddr;

use campaign::{CampaignId, ChunkId, Lane};
use chrono::{DateTime, Utc};
use gcloud_sdk::google::cloud::tasks::v2::ListTasksRequest;
use gcloud_sdk::google::cloud::tasks::v2::cloud_tasks_client::CloudTasksClient;
use gcloud_sdk::google_cloud_auth::credentials::anonymous;
use gcloud_sdk::{GoogleApi, GoogleAuthMiddleware};
use task_queue::{Delivery, Enqueued, TaskQueue};

use super::until::until;

/// The queues of one world.
pub struct Tasks {
    queue: TaskQueue,
    api: GoogleApi<CloudTasksClient<GoogleAuthMiddleware>>,
}

impl std::fmt::Debug for Tasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tasks").finish_non_exhaustive()
    }
}

impl Tasks {
    pub(super) async fn connect(queue: TaskQueue, address: SocketAddr) -> Self {
        let url = format!("http://{address}");
        let anonymous = anonymous::Builder::new().build();
        let api = GoogleApi::from_function_with_credentials(CloudTasksClient::new, url, None, anonymous);
        Self {
            queue,
            api: api.await.expect("the queue answers"),
        }
    }

    /// Puts a task in, as a queue would that delivers twice, late, or what nobody asked for. A
    /// task's name is free in each lane.
    ///
    /// # Panics
    /// If there is one of that name already.
    pub async fn slip_in(&self, lane: Lane, delivery: Delivery, at: DateTime<Utc>) {
        let enqueued = self.queue.enqueue(lane, &delivery, at).await;
        let enqueued = enqueued.expect("the queue takes tasks");
        assert_eq!(enqueued, Enqueued::Created, "{delivery:?}");
    }

    /// A task for a chunk.
    pub fn delivery(campaign: CampaignId, chunk_no: u32, generation: u32) -> Delivery {
        Delivery {
            campaign,
            chunk: ChunkId::of(campaign, chunk_no),
            chunk_no,
            generation,
        }
    }

    /// Waits until no task is left in either lane: all were answered with 200.
    pub async fn are_answered(&self) {
        until("the queues are empty", async || {
            (self.count().await == 0).then_some(())
        })
        .await;
    }

    async fn count(&self) -> usize {
        let mut count = 0;
        for queue in ["noroshi-fast", "noroshi-bulk"] {
            let request = ListTasksRequest {
                parent: format!("projects/noroshi/locations/local/queues/{queue}"),
                ..ListTasksRequest::default()
            };
            let page = self
                .api
                .get()
                .list_tasks(request)
                .await
                .expect("the queue answers");
            count += page.into_inner().tasks.len();
        }
        count
    }
}
