//! Apple Push Notification service, as far as Apple documents it.
//!
//! A connection carries one request until one has shown a good token; a second one before that
//! ends the connection, as does whoever asks for more streams than there are.

mod problem;
mod request;
mod token;

use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;

use super::answer::{Answer, read, with_retry_after};
use super::connection::Connection;
use super::gateway::{Accepted, Becomes, Gateway};
use super::ledger::Entry;
use super::stats::count;
use problem::Problem;

pub use token::Sender;

/// Answers a request to send; `path` is what is behind `/3/`.
pub(super) async fn send(
    gateway: &Gateway,
    path: &str,
    request: Request<Incoming>,
    connection: &Connection,
) -> Answer {
    count(&gateway.stats.requests);
    let id = request::id(request.headers()).unwrap_or_else(|| format!("{:032X}", gateway.number()));
    let answer = try_send(gateway, path, request, connection, &id).await;
    let mut answer = answer.unwrap_or_else(Problem::into_response);
    if let Ok(id) = id.parse() {
        answer.headers_mut().insert("apns-id", id);
    }
    answer
}

async fn try_send(
    gateway: &Gateway,
    path: &str,
    request: Request<Incoming>,
    connection: &Connection,
    id: &str,
) -> Result<Answer, Problem> {
    let now = gateway.now();
    if request.version() != Version::HTTP_2 {
        return Err(invalid(gateway, Problem::NOT_HTTP2));
    }
    if request.method() != Method::POST {
        return Err(invalid(gateway, Problem::METHOD));
    }
    let Some(under_way) = connection.begin() else {
        connection.ends.reset.cancel();
        return std::future::pending().await;
    };
    token::check(request.headers(), gateway.config.apns.as_ref(), now).inspect_err(|_| {
        count(&gateway.stats.unauthenticated);
    })?;
    let address = path.strip_prefix("device/").unwrap_or_default().to_owned();
    request::check(&address, request.headers()).map_err(|problem| invalid(gateway, problem))?;
    let headers = request.headers().clone();
    let body = read(request).await.map_err(|_| Problem::TOO_LARGE)?;
    let push_id = request::push_id(&body).map_err(|problem| invalid(gateway, problem))?;
    let message = Accepted {
        project: "apns",
        entry: Entry {
            push_id: push_id.unwrap_or_else(|| id.to_owned()),
            address,
            collapse_id: text(&headers, "apns-collapse-id"),
            attempt: None,
            received_at: now,
        },
        validate_only: false,
    };
    let becomes = gateway.take(message, connection).await;
    connection.prove();
    drop(under_way);
    match becomes {
        Becomes::WrittenDown => Ok(Response::new(Full::default())),
        Becomes::Answered(answer) => Ok(answer),
        Becomes::Struck(strike) => {
            let problem = Problem::of(strike.outcome, now);
            Ok(with_retry_after(problem.into_response(), strike.retry_after))
        }
        Becomes::Lost => Err(Problem::UNAVAILABLE),
    }
}

fn invalid(gateway: &Gateway, problem: Problem) -> Problem {
    count(&gateway.stats.invalid);
    problem
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}
