//! What an attempt's answer means for its task.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use gcloud_sdk::google::cloud::tasks::v2::{Attempt, RetryConfig, Task};
use gcloud_sdk::google::rpc;
use tonic::Code;

use super::retry::Retry;
use crate::tasks::attempt::{Answer, Received};
use crate::tasks::proto_time::{from_micros, instant, later, timestamp};
use crate::tasks::store::{Entry, Key};

/// What follows an attempt.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It succeeded: the task is done.
    Done,
    /// It failed for the last time: the task is given up.
    GivenUp,
    /// It failed: the task, with its history, waits for its next attempt.
    Again(Entry),
}

/// Decides from the answer, the queue's retry settings (a task's own come first) and the time.
pub(super) fn outcome(entry: Entry, answer: &Answer, queue: &RetryConfig, now: DateTime<Utc>) -> Outcome {
    if answer.is_success() {
        return Outcome::Done;
    }
    let retry = Retry::new(entry.task.retry_config.as_ref().unwrap_or(queue));
    let mut entry = attempted(entry, answer, now);
    let attempts = u32::try_from(entry.task.dispatch_count).unwrap_or(u32::MAX);
    if retry.gives_up(attempts, age(&entry.task, now)) {
        return Outcome::GivenUp;
    }
    let delay = retry
        .delay(attempts)
        .max(answer.retry_after().unwrap_or_default());
    let due_at = later(now, delay).trunc_subsecs(6);
    entry.key = Key {
        due_at: due_at.timestamp_micros(),
        id: entry.key.id,
    };
    Arc::make_mut(&mut entry.task).schedule_time = Some(timestamp(due_at));
    Outcome::Again(entry)
}

/// The entry with this attempt in its history.
fn attempted(mut entry: Entry, answer: &Answer, now: DateTime<Utc>) -> Entry {
    let task = Arc::make_mut(&mut entry.task);
    let dispatched_at = timestamp(answer.dispatched_at);
    task.dispatch_count += 1;
    if task.first_attempt.is_none() {
        task.first_attempt = Some(Attempt {
            dispatch_time: Some(dispatched_at),
            ..Attempt::default()
        });
    }
    task.last_attempt = Some(Attempt {
        schedule_time: Some(timestamp(from_micros(entry.key.due_at))),
        dispatch_time: Some(dispatched_at),
        response_time: Some(timestamp(now)),
        response_status: Some(response_status(&answer.received)),
    });
    if let Received::Response { status, .. } = answer.received {
        task.response_count += 1;
        entry.executions += i32::from(status < 500);
        entry.last_response = Some(status);
    }
    entry.retry_reason = Some(reason(&answer.received));
    entry
}

fn age(task: &Task, now: DateTime<Utc>) -> Duration {
    task.first_attempt
        .as_ref()
        .and_then(|attempt| instant(attempt.dispatch_time.as_ref()?))
        .and_then(|first| (now - first).to_std().ok())
        .unwrap_or_default()
}

fn reason(received: &Received) -> String {
    match received {
        Received::Response { status, .. } => format!("HTTP status code {status}"),
        Received::Nothing => "no response".to_owned(),
        Received::DeadlineExceeded => "deadline exceeded".to_owned(),
    }
}

fn response_status(received: &Received) -> rpc::Status {
    let code = match received {
        Received::Response { status: 429, .. } => Code::ResourceExhausted,
        Received::Response { status: 401, .. } => Code::Unauthenticated,
        Received::Response { status: 403, .. } => Code::PermissionDenied,
        Received::Response { status: 404, .. } => Code::NotFound,
        Received::Response { status: 400..500, .. } => Code::InvalidArgument,
        Received::Response { status: 503, .. } | Received::Nothing => Code::Unavailable,
        Received::Response { status: 500.., .. } => Code::Internal,
        Received::Response { .. } => Code::Unknown,
        Received::DeadlineExceeded => Code::DeadlineExceeded,
    };
    rpc::Status {
        code: code as i32,
        message: reason(received),
        details: Vec::new(),
    }
}
