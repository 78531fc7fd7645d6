//! A task as a caller asks for it: checked against Cloud Tasks' limits, made explicit.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use gcloud_sdk::google::cloud::tasks::v2::{HttpMethod, HttpRequest, Task, http_request, task};
use prost::Message;
use tonic::Status;

use super::proto_time::{duration, instant, proto_duration, timestamp};
use super::{headers, names, queue_settings};

/// The largest task, encoded.
const TASK_BYTES: usize = 100 * 1024;
/// How far ahead a task may be scheduled.
const HORIZON: TimeDelta = TimeDelta::days(30);
/// The longest URL, in bytes.
const URL_BYTES: usize = 2_083;
/// All header names and values together must be smaller.
const HEADER_BYTES: usize = 80 * 1024;

const DEFAULT_DEADLINE: Duration = Duration::from_secs(600);
const SHORTEST_DEADLINE: Duration = Duration::from_secs(15);
const LONGEST_DEADLINE: Duration = Duration::from_secs(1_800);

/// A task that may be stored: its name is complete, its times and method are set.
#[derive(Debug)]
pub(super) struct NewTask {
    pub(super) task: Task,
    pub(super) due_at: DateTime<Utc>,
}

/// Checks what was asked for, to be created in `queue` at `now`.
pub(super) fn new_task(queue: &str, asked: Option<Task>, now: DateTime<Utc>) -> Result<NewTask, Status> {
    let asked = asked.ok_or_else(|| Status::invalid_argument("task is required."))?;
    if asked.encoded_len() > TASK_BYTES {
        return Err(Status::invalid_argument("The task is larger than 100KB."));
    }
    let request = match asked.message_type {
        Some(task::MessageType::HttpRequest(request)) => checked_request(request)?,
        Some(task::MessageType::AppEngineHttpRequest(_)) => {
            return Err(Status::unimplemented(
                "App Engine targets are not supported here: use http_request.",
            ));
        }
        None => return Err(Status::invalid_argument("task.http_request is required.")),
    };
    let due_at = due_at(asked.schedule_time, now)?;
    let retry_config = asked
        .retry_config
        .map(queue_settings::complete_retry)
        .transpose()?;
    let task = Task {
        name: complete_name(queue, asked.name)?,
        schedule_time: Some(timestamp(due_at)),
        create_time: Some(timestamp(now.trunc_subsecs(0))),
        dispatch_deadline: Some(proto_duration(deadline(asked.dispatch_deadline)?)),
        retry_config,
        message_type: Some(task::MessageType::HttpRequest(request)),
        ..Task::default()
    };
    Ok(NewTask { task, due_at })
}

fn complete_name(queue: &str, asked: String) -> Result<String, Status> {
    if asked.is_empty() {
        return Ok(format!("{queue}/tasks/{:020}", rand::random::<u64>()));
    }
    if names::task_name(&asked)?.queue != queue {
        return Err(Status::invalid_argument(format!(
            "The task name \"{asked}\" is not within {queue}."
        )));
    }
    Ok(asked)
}

fn due_at(asked: Option<prost_types::Timestamp>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Status> {
    let now = now.trunc_subsecs(6);
    let Some(asked) = asked else { return Ok(now) };
    let at = instant(&asked).ok_or_else(|| Status::invalid_argument("task.schedule_time is not valid."))?;
    if at - now > HORIZON {
        return Err(Status::invalid_argument(
            "task.schedule_time must be at most 30 days ahead.",
        ));
    }
    Ok(at.trunc_subsecs(6).max(now))
}

fn deadline(asked: Option<prost_types::Duration>) -> Result<Duration, Status> {
    let Some(asked) = asked else {
        return Ok(DEFAULT_DEADLINE);
    };
    duration(&asked)
        .filter(|deadline| (SHORTEST_DEADLINE..=LONGEST_DEADLINE).contains(deadline))
        .ok_or_else(|| Status::invalid_argument("task.dispatch_deadline must be between 15s and 1800s."))
}

fn checked_request(mut request: HttpRequest) -> Result<HttpRequest, Status> {
    check_url(&request.url)?;
    let method = HttpMethod::try_from(request.http_method)
        .map_err(|_| Status::invalid_argument("task.http_request.http_method is not known."))?;
    let method = if method == HttpMethod::Unspecified {
        HttpMethod::Post
    } else {
        method
    };
    request.set_http_method(method);
    if !request.body.is_empty() && !takes_body(method) {
        return Err(Status::invalid_argument(
            "A body is allowed with POST, PUT and PATCH only.",
        ));
    }
    let header_bytes: usize = request
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if header_bytes >= HEADER_BYTES {
        return Err(Status::invalid_argument("The headers must be smaller than 80KB."));
    }
    headers::check(&request.headers)?;
    match &request.authorization_header {
        Some(http_request::AuthorizationHeader::OauthToken(_)) => Err(Status::unimplemented(
            "oauth_token is not supported here: use oidc_token.",
        )),
        Some(http_request::AuthorizationHeader::OidcToken(token))
            if token.service_account_email.is_empty() =>
        {
            Err(Status::invalid_argument(
                "oidc_token.service_account_email is required.",
            ))
        }
        Some(http_request::AuthorizationHeader::OidcToken(_)) | None => Ok(request),
    }
}

fn check_url(url: &str) -> Result<(), Status> {
    if url.len() > URL_BYTES {
        return Err(Status::invalid_argument(
            "task.http_request.url must be at most 2083 characters long.",
        ));
    }
    reqwest::Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .map(|_| ())
        .ok_or_else(|| {
            Status::invalid_argument(
                "task.http_request.url must be a URL that begins with http:// or https://.",
            )
        })
}

fn takes_body(method: HttpMethod) -> bool {
    match method {
        HttpMethod::Post | HttpMethod::Put | HttpMethod::Patch => true,
        HttpMethod::Unspecified
        | HttpMethod::Get
        | HttpMethod::Head
        | HttpMethod::Delete
        | HttpMethod::Options => false,
    }
}
