//! What becomes of a request: checked, struck by the script or accepted, written down, answered.
//!
//! How a request is checked and what an answer looks like is each gateway's own matter: `fcm`,
//! `apns`, `web_push`. Who is struck and what is remembered is the same for all.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;

use super::Config;
use super::answer::{Answer, json, read};
use super::connection::Connection;
use super::faults::{Faults, Strike};
use super::ledger::{Appender, Entry};
use super::script::{Outcome, Script};
use super::stats::{Counts, Stats};
use super::{apns, fcm, web_push};

/// What all connections share.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) config: Config,
    ledger: Appender,
    faults: RwLock<Arc<Faults>>,
    pub(super) stats: Stats,
    messages: AtomicU64,
}

/// A message that was found good.
#[derive(Debug)]
pub(super) struct Accepted<'m> {
    /// Whose quota it counts against.
    pub(super) project: &'m str,
    /// What the ledger says of it.
    pub(super) entry: Entry,
    /// Whether it is only looked at.
    pub(super) validate_only: bool,
}

/// What becomes of a message that was found good.
#[derive(Debug)]
pub(super) enum Becomes {
    /// It is written down.
    WrittenDown,
    /// Its gateway says this of it.
    Struck(Strike),
    /// It is answered as the script has it.
    Answered(Answer),
    /// The ledger could not be written.
    Lost,
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

    /// Answers one request of a connection.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        connection: &Connection,
    ) -> Result<Answer, Infallible> {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        Ok(match (&method, path.as_str()) {
            (&Method::POST, path) if let Some(project) = fcm::project(path) => {
                fcm::send(self, project, request, connection).await
            }
            (_, path) if let Some(token) = path.strip_prefix("/3/") => {
                apns::send(self, token, request, connection).await
            }
            (_, path) if let Some(name) = path.strip_prefix("/web-push/") => {
                web_push::send(self, name, request, connection).await
            }
            (&Method::POST, "/_sink/subscriptions") => web_push::subscribe(request).await,
            (&Method::GET, "/_sink/stats") => json(StatusCode::OK, &self.counts()),
            (&Method::GET, "/_sink/script") => json(StatusCode::OK, self.faults().script()),
            (&Method::PUT, "/_sink/script") => self.play(request).await,
            (&Method::GET, "/") => Response::new(Full::from("Ok")),
            _ => fcm::not_found(),
        })
    }

    /// Takes a good message: after the script's delay, it is struck or written down.
    pub(super) async fn take(&self, message: Accepted<'_>, connection: &Connection) -> Becomes {
        let Accepted {
            project,
            entry,
            validate_only,
        } = message;
        let (now, faults) = (entry.received_at, self.faults());
        let scripted = faults
            .scripted(&entry.address)
            .and_then(|answer| answer.response());
        let strike = match scripted {
            Some(_) => None,
            None => faults.strike(project, &entry.address, now),
        };
        self.delay(&faults, now).await;
        if let Some(answer) = scripted {
            return Becomes::Answered(answer);
        }
        if let Some(strike) = strike {
            self.stats.struck(strike.outcome);
            match strike.outcome {
                Outcome::ResetAfterAccept => {
                    // Whether or not it could be written, the client hears nothing of it.
                    if !validate_only {
                        let _ = self.ledger.append(&entry).await;
                    }
                    connection.ends.reset.cancel();
                    return std::future::pending().await;
                }
                Outcome::Hang => return std::future::pending().await,
                Outcome::GoAway => connection.ends.go_away.cancel(),
                Outcome::Unregistered
                | Outcome::InvalidArgument
                | Outcome::BadRequest
                | Outcome::SenderIdMismatch
                | Outcome::QuotaExceeded
                | Outcome::Unavailable
                | Outcome::Internal
                | Outcome::ThirdPartyAuthError
                | Outcome::Unauthenticated
                | Outcome::DeviceQuotaExceeded => return Becomes::Struck(strike),
            }
        }
        if validate_only {
            super::stats::count(&self.stats.validated);
            return Becomes::WrittenDown;
        }
        match self.ledger.append(&entry).await {
            Ok(()) => Becomes::WrittenDown,
            Err(error) => {
                tracing::error!(%error, "an accepted message could not be written to the ledger");
                Becomes::Lost
            }
        }
    }

    /// A number that no other message has.
    pub(super) fn number(&self) -> u64 {
        self.messages.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.config.clock.now()
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
        let script = read(request)
            .await
            .and_then(|body| serde_json::from_slice::<Script>(&body).map_err(|error| error.to_string()));
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
}
