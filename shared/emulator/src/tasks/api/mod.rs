//! The calls of Cloud Tasks, on the queues and the store.
//!
//! Each call checks its request, does one thing, and answers in Google's messages and codes.

mod queues;
mod tasks;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tonic::Status;

use super::queue::{Environment, Handle, Queues};
use super::store::StoreError;

/// The largest page of a listing, and its size where the caller does not say.
const LARGEST_PAGE: usize = 1_000;

/// Answers the calls of one server.
#[derive(Debug)]
pub(super) struct Api {
    environment: Environment,
    queues: Queues,
}

impl Api {
    pub(super) fn new(environment: Environment, queues: Queues) -> Self {
        Self { environment, queues }
    }

    fn queue(&self, name: &str) -> Result<Arc<Handle>, Status> {
        self.queues
            .find(name)
            .ok_or_else(|| Status::not_found(format!("The queue \"{name}\" does not exist.")))
    }

    fn now(&self) -> DateTime<Utc> {
        self.environment.config.clock.now()
    }
}

/// The size of a page: what was asked for, within bounds; 0 means the largest.
fn page_size(asked: i32) -> Result<usize, Status> {
    match usize::try_from(asked) {
        Ok(0) => Ok(LARGEST_PAGE),
        Ok(size) => Ok(size.min(LARGEST_PAGE)),
        Err(_) => Err(Status::invalid_argument("page_size must not be negative.")),
    }
}

impl From<StoreError> for Status {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a call failed");
        Self::unavailable("The task store is not available.")
    }
}
