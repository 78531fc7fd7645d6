//! What surrounds every request: an id, a task of its own, one line in the log.

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tracing::{Instrument, debug, error, info, info_span};
use uuid::Uuid;

use super::Problem;
use super::health::PATHS;
use super::problem::of_bare_error;
use crate::clock::Clock;
use crate::process::Process;
use crate::spawn::{Tasks, catch};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id under which the log and the answer know a request: the caller's if it is short and
/// plain, so that it cannot forge a log line; else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let plain = |id: &&HeaderValue| {
        let bytes = id.as_bytes();
        (1..=64).contains(&bytes.len())
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
    };
    match headers.get(&HEADER).filter(plain) {
        Some(id) => id.clone(),
        None => HeaderValue::from_str(&Uuid::now_v7().to_string()).expect("a UUID is visible ASCII"),
    }
}

/// What the middleware needs of its process.
#[derive(Clone)]
pub(super) struct Shell {
    service: &'static str,
    clock: Clock,
    tasks: Tasks,
}

impl Shell {
    pub(super) fn new(service: &'static str, process: &Process) -> Self {
        Self {
            service,
            clock: process.clock.clone(),
            tasks: process.tasks.clone(),
        }
    }
}

/// Answers a request in a task of its own, to which it makes no difference whether the client
/// stays. A panic is answered with 500.
pub(super) async fn carry(State(shell): State<Shell>, request: Request, next: Next) -> Response {
    let tasks = shell.tasks.clone();
    match tasks.finish(answer(shell, request, next)).await {
        Ok(response) => response,
        Err(panic) => {
            error!(%panic, "the access log panicked");
            Problem::internal().into_response()
        }
    }
}

async fn answer(shell: Shell, request: Request, next: Next) -> Response {
    let started = shell.clock.monotonic();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let route = route(&request);
    let span = info_span!("request", request.id = id.to_str().unwrap_or_default());

    let mut response = async {
        match catch(next.run(request)).await {
            Ok(response) => of_bare_error(response).await,
            Err(panic) => {
                error!(%panic, http.route = route, "a handler panicked");
                Problem::internal().into_response()
            }
        }
    }
    .instrument(span.clone())
    .await;

    let elapsed = shell.clock.monotonic().since(started);
    span.in_scope(|| log(shell.service, &method, &route, response.status(), elapsed));
    response.headers_mut().insert(HEADER, id);
    response
}

/// The pattern that the path met, because the path itself may hold a user id.
fn route(request: &Request) -> String {
    let matched = request.extensions().get::<MatchedPath>();
    matched.map_or("none", MatchedPath::as_str).to_owned()
}

fn log(service: &'static str, method: &Method, route: &str, status: StatusCode, elapsed: Duration) {
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let status_code = status.as_u16();
    if status.is_success() && PATHS.contains(&route) {
        debug!(service, http.method = %method, http.route = route, http.status = status_code, elapsed_ms, "answered");
    } else {
        info!(service, http.method = %method, http.route = route, http.status = status_code, elapsed_ms, "answered");
    }
    let labels = [
        ("service", service.to_owned()),
        ("route", route.to_owned()),
        ("status", status_code.to_string()),
    ];
    metrics::counter!("noroshi_http_requests_total", &labels).increment(1);
    metrics::histogram!("noroshi_http_request_seconds", "service" => service, "route" => route.to_owned())
        .record(elapsed);
}
