//! Calls on queues.

use gcloud_sdk::google::cloud::tasks::v2::{
    CreateQueueRequest, DeleteQueueRequest, GetQueueRequest, ListQueuesRequest, ListQueuesResponse,
    PauseQueueRequest, PurgeQueueRequest, Queue, ResumeQueueRequest, UpdateQueueRequest, queue,
};
use tonic::Status;

use super::{Api, page_size};
use crate::tasks::proto_time::timestamp;
use crate::tasks::{names, queue_settings};

impl Api {
    pub(in crate::tasks) async fn get_queue(&self, request: GetQueueRequest) -> Result<Queue, Status> {
        names::queue_id(&request.name)?;
        Ok((*self.queue(&request.name)?.definition()).clone())
    }

    pub(in crate::tasks) async fn list_queues(
        &self,
        request: ListQueuesRequest,
    ) -> Result<ListQueuesResponse, Status> {
        names::check_location(&request.parent)?;
        if !request.filter.is_empty() {
            return Err(Status::unimplemented("Filters are not supported here."));
        }
        let size = page_size(request.page_size)?;
        let prefix = format!("{}/queues/", request.parent);
        let mut found = self.queues.list(&prefix, &request.page_token, size + 1);
        let more = found.len() > size;
        found.truncate(size);
        let next_page_token = found
            .last()
            .filter(|_| more)
            .map(|last| last.name.clone())
            .unwrap_or_default();
        let queues = found.iter().map(|queue| (**queue).clone()).collect();
        Ok(ListQueuesResponse {
            queues,
            next_page_token,
        })
    }

    pub(in crate::tasks) async fn create_queue(&self, request: CreateQueueRequest) -> Result<Queue, Status> {
        names::check_location(&request.parent)?;
        let queue = request
            .queue
            .ok_or_else(|| Status::invalid_argument("queue is required."))?;
        if !queue.name.starts_with(&format!("{}/queues/", request.parent)) {
            return Err(Status::invalid_argument("queue.name must be within the parent."));
        }
        self.insert_queue(queue).await
    }

    /// Creates the queue where there is none of its name, as Cloud Tasks does.
    pub(in crate::tasks) async fn update_queue(&self, request: UpdateQueueRequest) -> Result<Queue, Status> {
        let given = request
            .queue
            .ok_or_else(|| Status::invalid_argument("queue is required."))?;
        let mask = request.update_mask.unwrap_or_default().paths;
        match self.queues.find(&given.name) {
            None => self.insert_queue(given).await,
            Some(handle) => {
                let masked = |current| {
                    queue_settings::masked(current, given, &mask).and_then(queue_settings::completed)
                };
                self.queues.change(&handle, masked).await
            }
        }
    }

    pub(in crate::tasks) async fn delete_queue(&self, request: DeleteQueueRequest) -> Result<(), Status> {
        names::queue_id(&request.name)?;
        let handle = self.queue(&request.name)?;
        Ok(self.queues.delete(&handle).await?)
    }

    /// Returns once every task that the queue had is gone.
    pub(in crate::tasks) async fn purge_queue(&self, request: PurgeQueueRequest) -> Result<Queue, Status> {
        names::queue_id(&request.name)?;
        let handle = self.queue(&request.name)?;
        let now = timestamp(self.now());
        self.queues.purge(&handle).await?;
        self.queues
            .change(&handle, |queue| {
                Ok(Queue {
                    purge_time: Some(now),
                    ..queue
                })
            })
            .await
    }

    pub(in crate::tasks) async fn pause_queue(&self, request: PauseQueueRequest) -> Result<Queue, Status> {
        self.set_state(&request.name, queue::State::Paused).await
    }

    pub(in crate::tasks) async fn resume_queue(&self, request: ResumeQueueRequest) -> Result<Queue, Status> {
        self.set_state(&request.name, queue::State::Running).await
    }

    async fn insert_queue(&self, queue: Queue) -> Result<Queue, Status> {
        let queue = queue_settings::new_queue(queue)?;
        match self.queues.insert(queue).await? {
            Some(handle) => Ok((*handle.definition()).clone()),
            None => Err(Status::already_exists("Queue already exists.")),
        }
    }

    async fn set_state(&self, name: &str, state: queue::State) -> Result<Queue, Status> {
        names::queue_id(name)?;
        let handle = self.queue(name)?;
        self.queues
            .change(&handle, |queue| {
                Ok(Queue {
                    state: state as i32,
                    ..queue
                })
            })
            .await
    }
}
