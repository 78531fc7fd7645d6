//! What becomes of a request: checked, struck by the script or accepted, written down, answered.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;

use super::Config;
use super::faults::{Faults, Strike};
use super::ledger::{Appender, Entry};
use super::message::{Message, SendRequest};
use super::problem::{Problem, Violation};
use super::request::{parse, project, read};
use super::script::{Outcome, Script};
use super::stats::{Counts, Stats, count};
use super::validation::{Target, target};

type Answer = Response<Full<Bytes>>;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Gateway {
    config: Config,
    ledger: Appender,
    faults: RwLock<Arc<Faults>>,
    stats: Stats,
    messages: AtomicU64,
}

impl Gateway {
    pub(super) fn new(config: Config, ledger: Appender) -> Self {
        let faults = RwLock::new(Arc::new(Faults::new(config.script.clone())));
        Self {
            config,
            ledger,
            faults,
            stats: Stats::default(),
            messages: AtomicU64::new(0),
        }
    }

    /// What was counted since the start.
    pub(super) fn counts(&self) -> Counts {
        self.stats.counts(self.ledger.written())
    }

    /// Answers one request; cancelling `reset` drops its connection.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        reset: &CancellationToken,
    ) -> Result<Answer, Infallible> {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        Ok(match (&method, path.as_str()) {
            (&Method::POST, path) if let Some(project) = project(path) => self
                .send(project, request, reset)
                .await
                .unwrap_or_else(Problem::into_response),
            (&Method::GET, "/_sink/stats") => json(StatusCode::OK, &self.counts()),
            (&Method::GET, "/_sink/script") => json(StatusCode::OK, self.faults().script()),
            (&Method::PUT, "/_sink/script") => self.play(request).await,
            (&Method::GET, "/") => Response::new(Full::from("Ok")),
            _ => Problem::not_found().into_response(),
        })
    }

    async fn send(
        &self,
        project: &str,
        request: Request<Incoming>,
        reset: &CancellationToken,
    ) -> Result<Answer, Problem> {
        count(&self.stats.requests);
        if !self.is_authorized(request.headers()) {
            count(&self.stats.unauthenticated);
            return Err(Problem::unauthenticated());
        }
        let body = self.valid(read(request).await)?;
        let request = self.valid(parse(&body))?;
        let target = self.valid(target(&request.message))?;
        let (now, faults) = (self.config.clock.now(), self.faults());
        let strike = faults.strike(project, target.address, now);
        self.delay(&faults, now).await;
        if let Some(strike) = strike {
            self.stats.struck(strike.outcome);
            return Err(self.play_out(strike, &request, target, now, reset).await);
        }
        if request.validate_only {
            count(&self.stats.validated);
            return Ok(accepted(&format!("projects/{project}/messages/fake_message_id")));
        }
        self.write_down(&request.message, target, now).await?;
        let number = self.messages.fetch_add(1, Ordering::Relaxed);
        Ok(accepted(&format!(
            "projects/{project}/messages/0:{}%{number:016x}",
            now.timestamp_micros()
        )))
    }

    /// The answer to a message that is struck. An outcome without one keeps silent until the
    /// connection is dropped.
    async fn play_out(
        &self,
        strike: Strike,
        request: &SendRequest<'_>,
        target: Target<'_>,
        now: DateTime<Utc>,
        reset: &CancellationToken,
    ) -> Problem {
        if let Some(problem) = Problem::of(strike.outcome, target.field) {
            return problem.retry_after(strike.retry_after);
        }
        if strike.outcome == Outcome::ResetAfterAccept {
            if !request.validate_only {
                // Whether or not it could be written, the client hears nothing of it.
                let _ = self.write_down(&request.message, target, now).await;
            }
            reset.cancel();
        }
        std::future::pending().await
    }

    async fn write_down(
        &self,
        message: &Message<'_>,
        target: Target<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        self.ledger
            .append(&entry(message, target, now))
            .await
            .map_err(|error| {
                tracing::error!(%error, "an accepted message could not be written to the ledger");
                Problem::unavailable()
            })
    }

    async fn delay(&self, faults: &Faults, since: DateTime<Utc>) {
        let delay = faults.delay();
        if !delay.is_zero() {
            let until = TimeDelta::from_std(delay)
                .ok()
                .and_then(|delay| since.checked_add_signed(delay));
            self.config
                .clock
                .sleep_until(until.unwrap_or(DateTime::<Utc>::MAX_UTC))
                .await;
        }
    }

    /// Replaces the script; what the old one remembered is forgotten.
    async fn play(&self, request: Request<Incoming>) -> Answer {
        let script = match read(request).await {
            Ok(body) => serde_json::from_slice::<Script>(&body).map_err(|error| error.to_string()),
            Err(violation) => Err(violation.description),
        };
        match script.and_then(|script| script.check().map(|()| script).map_err(|error| error.to_string())) {
            Ok(script) => {
                let mut faults = self.faults.write().unwrap_or_else(PoisonError::into_inner);
                *faults = Arc::new(Faults::new(script));
                json(StatusCode::OK, faults.script())
            }
            Err(error) => json(StatusCode::BAD_REQUEST, &serde_json::json!({ "error": error })),
        }
    }

    fn faults(&self) -> Arc<Faults> {
        self.faults.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given
            .and_then(|value| value.strip_prefix("Bearer "))
            .map(str::trim);
        match (token, &self.config.bearer) {
            (None | Some(""), _) => false,
            (Some(_), None) => true,
            (Some(token), Some(expected)) => token == expected,
        }
    }

    fn valid<T>(&self, checked: Result<T, Violation>) -> Result<T, Problem> {
        checked.map_err(|violation| {
            count(&self.stats.invalid);
            Problem::invalid(violation)
        })
    }
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

fn accepted(name: &str) -> Answer {
    #[derive(serde::Serialize)]
    struct Accepted<'a> {
        name: &'a str,
    }

    json(StatusCode::OK, &Accepted { name })
}

fn json(status: StatusCode, document: &impl serde::Serialize) -> Answer {
    let text =
        serde_json::to_string(document).expect("these documents have string keys and no maps of others");
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=UTF-8"),
    );
    response
}
