//! Firebase Cloud Messaging, HTTP v1, checked as strictly as its public reference.

mod message;
mod problem;
mod request;
mod validation;

use chrono::{DateTime, Utc};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, StatusCode};
use hyper::body::Incoming;

use super::answer::{Answer, json, read};
use super::connection::Connection;
use super::gateway::{Accepted, Becomes, Gateway};
use super::ledger::Entry;
use super::stats::count;
use message::Message;
use problem::{Problem, Violation};
pub(in crate::sink) use request::project;
use validation::{Target, target};

/// Answers a request to send.
pub(super) async fn send(
    gateway: &Gateway,
    project: &str,
    request: Request<Incoming>,
    connection: &Connection,
) -> Answer {
    try_send(gateway, project, request, connection)
        .await
        .unwrap_or_else(Problem::into_response)
}

/// There is no such page, in Google's words.
pub(super) fn not_found() -> Answer {
    Problem::not_found().into_response()
}

async fn try_send(
    gateway: &Gateway,
    project: &str,
    request: Request<Incoming>,
    connection: &Connection,
) -> Result<Answer, Problem> {
    count(&gateway.stats.requests);
    if !is_authorized(gateway, request.headers()) {
        count(&gateway.stats.unauthenticated);
        return Err(Problem::unauthenticated());
    }
    let unreadable = |description| Violation {
        field: String::new(),
        description,
    };
    let body = valid(gateway, read(request).await.map_err(unreadable))?;
    let request = valid(gateway, request::parse(&body))?;
    let target = valid(gateway, target(&request.message))?;
    let now = gateway.now();
    let message = Accepted {
        project,
        entry: entry(&request.message, target, now),
        validate_only: request.validate_only,
    };
    match gateway.take(message, connection).await {
        Becomes::WrittenDown if request.validate_only => {
            Ok(named(&format!("projects/{project}/messages/fake_message_id")))
        }
        Becomes::WrittenDown => Ok(named(&format!(
            "projects/{project}/messages/0:{}%{:016x}",
            now.timestamp_micros(),
            gateway.number()
        ))),
        Becomes::Answered(answer) => Ok(answer),
        Becomes::Struck(strike) => {
            let problem = Problem::of(strike.outcome, target.field).unwrap_or_else(Problem::unavailable);
            Err(problem.retry_after(strike.retry_after))
        }
        Becomes::Lost => Err(Problem::unavailable()),
    }
}

fn is_authorized(gateway: &Gateway, headers: &HeaderMap) -> bool {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::trim);
    match (token, &gateway.config.bearer) {
        (None | Some(""), _) => false,
        (Some(_), None) => true,
        (Some(token), Some(expected)) => token == expected,
    }
}

fn valid<T>(gateway: &Gateway, checked: Result<T, Violation>) -> Result<T, Problem> {
    checked.map_err(|violation| {
        count(&gateway.stats.invalid);
        Problem::invalid(violation)
    })
}

fn entry(message: &Message<'_>, target: Target<'_>, now: DateTime<Utc>) -> Entry {
    let data = |key: &str| {
        let pairs = message.data.iter().flat_map(|data| &data.0);
        pairs
            .rev()
            .find(|(name, _)| name.as_str() == key)
            .map(|(_, value)| value.as_str())
    };
    let notification = message
        .android
        .as_ref()
        .and_then(|android| android.notification.as_ref());
    let tag = notification.and_then(|notification| notification.tag.as_ref());
    Entry {
        push_id: data("push_id").unwrap_or_default().to_owned(),
        address: target.address.to_owned(),
        collapse_id: tag.map(|tag| tag.as_str().to_owned()),
        attempt: data("attempt").and_then(|attempt| attempt.parse().ok()),
        received_at: now,
    }
}

fn named(name: &str) -> Answer {
    #[derive(serde::Serialize)]
    struct Named<'a> {
        name: &'a str,
    }

    json(StatusCode::OK, &Named { name })
}
