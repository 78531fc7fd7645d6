//! Calls on tasks.

use std::sync::Arc;

use gcloud_sdk::google::cloud::tasks::v2::{
    Attempt, CreateTaskRequest, DeleteTaskRequest, GetTaskRequest, ListTasksRequest, ListTasksResponse,
    RunTaskRequest, Task, task,
};
use tonic::Status;

use super::{Api, page_size};
use crate::tasks::names;
use crate::tasks::proto_time::timestamp;
use crate::tasks::queue::{Event, Handle};
use crate::tasks::store::{self, Entry, Inserted, Key, StoreError};
use crate::tasks::task_request::{NewTask, new_task};

impl Api {
    /// Answers once the task is stored.
    pub(in crate::tasks) async fn create_task(&self, request: CreateTaskRequest) -> Result<Task, Status> {
        names::queue_id(&request.parent)?;
        let handle = self.queue(&request.parent)?;
        let NewTask { task, due_at } = new_task(&request.parent, request.task, self.now())?;
        let task = Arc::new(task);
        match self
            .insert_task(handle, task.clone(), due_at.timestamp_micros())
            .await?
        {
            Inserted::New(_) => Ok(viewed(&task, request.response_view)),
            Inserted::Exists => Err(Status::already_exists("A task with this name already exists.")),
            Inserted::UsedRecently => Err(Status::already_exists(
                "The task cannot be created because a task with this name existed too recently.",
            )),
        }
    }

    pub(in crate::tasks) async fn get_task(&self, request: GetTaskRequest) -> Result<Task, Status> {
        let entry = self.find_task(&request.name, |_, _| ()).await?;
        Ok(viewed(&entry.task, request.response_view))
    }

    pub(in crate::tasks) async fn list_tasks(
        &self,
        request: ListTasksRequest,
    ) -> Result<ListTasksResponse, Status> {
        names::queue_id(&request.parent)?;
        let queue = self.queue(&request.parent)?.id;
        let size = page_size(request.page_size)?;
        let after = request.page_token;
        let mut entries = self
            .environment
            .store
            .run(move |connection| store::list_tasks(connection, queue, &after, size + 1))
            .await?;
        let more = entries.len() > size;
        entries.truncate(size);
        let next_page_token = match entries.last() {
            Some(last) if more => names::task_name(&last.task.name)?.id.to_owned(),
            Some(_) | None => String::new(),
        };
        let tasks = entries
            .iter()
            .map(|entry| viewed(&entry.task, request.response_view))
            .collect();
        Ok(ListTasksResponse {
            tasks,
            next_page_token,
        })
    }

    /// A task that is being dispatched is deleted too; what becomes of its attempt is of no
    /// account.
    pub(in crate::tasks) async fn delete_task(&self, request: DeleteTaskRequest) -> Result<(), Status> {
        let name = names::task_name(&request.name)?;
        let handle = self.queue(name.queue)?;
        let (queue, id) = (handle.id, name.id.to_owned());
        let now = self.now().timestamp_micros();
        let deleted = self.environment.store.run_and_tell(
            move |connection| store::delete_task(connection, queue, &id, now),
            move |deleted| {
                if let Some(key) = deleted {
                    handle.tell(Event::Gone(*key));
                }
            },
        );
        deleted
            .await?
            .map(|_| ())
            .ok_or_else(|| no_such_task(&request.name))
    }

    /// Dispatches now, whatever the queue's state and limits. A task that is being dispatched
    /// already is left at that.
    pub(in crate::tasks) async fn run_task(&self, request: RunTaskRequest) -> Result<Task, Status> {
        let forced = |handle: &Handle, entry: &Entry| handle.tell(Event::Forced(entry.clone()));
        let entry = self.find_task(&request.name, forced).await?;
        let mut task = viewed(&entry.task, request.response_view);
        let now = Some(timestamp(self.now()));
        let attempt = Attempt {
            schedule_time: now,
            dispatch_time: now,
            ..Attempt::default()
        };
        task.dispatch_count += 1;
        task.schedule_time = now;
        task.first_attempt.get_or_insert_with(|| attempt.clone());
        task.last_attempt = Some(attempt);
        Ok(task)
    }

    async fn insert_task(
        &self,
        handle: Arc<Handle>,
        task: Arc<Task>,
        due_at: i64,
    ) -> Result<Inserted, StoreError> {
        let (queue, now, stored) = (handle.id, self.now().timestamp_micros(), task.clone());
        let inserted = self.environment.store.run_and_tell(
            move |connection| {
                let name = stored.name.rsplit('/').next().unwrap_or_default();
                store::insert_task(connection, queue, name, &stored, due_at, now)
            },
            move |inserted| {
                if let Inserted::New(id) = *inserted {
                    handle.tell(Event::Waits(Entry::fresh(Key { due_at, id }, task)));
                }
            },
        );
        inserted.await
    }

    /// The task of that name, or NOT_FOUND; `tell` passes it on to its queue before anything
    /// else can happen to it.
    async fn find_task(
        &self,
        name: &str,
        tell: impl FnOnce(&Handle, &Entry) + Send + 'static,
    ) -> Result<Entry, Status> {
        let parts = names::task_name(name)?;
        let handle = self.queue(parts.queue)?;
        let (queue, id) = (handle.id, parts.id.to_owned());
        let found = self.environment.store.run_and_tell(
            move |connection| store::find_task(connection, queue, &id),
            move |found| {
                if let Some(entry) = found {
                    tell(&handle, entry);
                }
            },
        );
        found.await?.ok_or_else(|| no_such_task(name))
    }
}

/// The task as the view shows it: without its body unless everything was asked for.
fn viewed(task: &Task, view: i32) -> Task {
    let mut task = task.clone();
    let full = task::View::try_from(view) == Ok(task::View::Full);
    task.set_view(if full { task::View::Full } else { task::View::Basic });
    if let (false, Some(task::MessageType::HttpRequest(request))) = (full, &mut task.message_type) {
        request.body.clear();
    }
    task
}

fn no_such_task(name: &str) -> Status {
    Status::not_found(format!("The task \"{name}\" does not exist."))
}
