//! Whether the process lives, whether it can work, and what it counts.
//!
//! `/livez` says that the process answers, `/readyz` that what it needs answers too, and no
//! longer when it drains. None of them shows more than the names of the checks.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use tracing::warn;

use super::Problem;
use crate::clock::Clock;
use crate::stop::Stop;
use crate::telemetry::Metrics;

const TIMEOUT: Duration = Duration::from_secs(2);
const COME_BACK: HeaderValue = HeaderValue::from_static("5");

/// One thing without which the service is not ready.
pub(super) struct Check {
    name: &'static str,
    ask: Box<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>,
}

impl Check {
    pub(super) fn new<F, Fut, E>(name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let ask = move || {
            check()
                .map(|answer| answer.map_err(|error| error.to_string()))
                .boxed()
        };
        Self {
            name,
            ask: Box::new(ask),
        }
    }

    async fn answer(&self, clock: &Clock) -> Result<(), String> {
        tokio::select! {
            answer = (self.ask)() => answer,
            () = clock.sleep(TIMEOUT) => Err("no answer in time".to_owned()),
        }
    }
}

/// All checks of a service.
#[derive(Clone)]
pub(super) struct Checks {
    checks: Arc<[Check]>,
    clock: Clock,
    stop: Stop,
}

impl Checks {
    pub(super) fn new(checks: Vec<Check>, clock: Clock, stop: Stop) -> Self {
        Self {
            checks: checks.into(),
            clock,
            stop,
        }
    }

    async fn readiness(self) -> Response {
        if self.stop.is_requested() {
            return not_ready(unready().detail("the process is stopping"));
        }
        let answers = join_all(self.checks.iter().map(|check| check.answer(&self.clock))).await;
        let words = self
            .checks
            .iter()
            .zip(&answers)
            .map(|(check, answer)| (check.name.to_owned(), word(check, answer)));
        let words: Map<String, Value> = words.collect();
        if answers.iter().all(Result::is_ok) {
            Json(json!({ "status": "ready", "checks": words })).into_response()
        } else {
            not_ready(unready().with("checks", words))
        }
    }
}

fn word(check: &Check, answer: &Result<(), String>) -> Value {
    match answer {
        Ok(()) => "ok".into(),
        Err(error) => {
            warn!(check = check.name, error, "not ready");
            "failed".into()
        }
    }
}

fn unready() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "not-ready",
        "the service cannot work now",
    )
}

fn not_ready(problem: Problem) -> Response {
    ([(RETRY_AFTER, COME_BACK)], problem).into_response()
}

/// What probes ask every few seconds.
pub(super) const PATHS: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// `/livez` and `/readyz`.
pub(super) fn probes(checks: Checks) -> Router {
    let [livez, readyz, _] = PATHS;
    Router::new()
        .route(livez, get(|| async { Json(json!({ "status": "alive" })) }))
        .route(readyz, get(move || checks.clone().readiness()))
}

/// `/metrics`.
pub(super) fn metrics(metrics: Metrics) -> Router {
    let [.., path] = PATHS;
    Router::new().route(
        path,
        get(move || async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.render()) }),
    )
}
