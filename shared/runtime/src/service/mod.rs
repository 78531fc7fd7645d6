//! The shell around a service: routes in, a server out.
//!
//! Every request runs to its end in a task of its own, also when its client goes away: what a
//! handler has begun in two stores is never cut in the middle by a closed connection. The shell
//! adds `/livez`, `/readyz` and `/metrics`, request ids, an access log, a limit for bodies, and
//! makes every error an `application/problem+json`.

mod access;
mod health;
mod problem;

use std::fmt;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use tokio::net::TcpListener;
use tracing::{info, warn};

use crate::process::Process;
use health::{Check, Checks};

pub use problem::Problem;

/// Longest wait for open connections when the process drains: more than a whole delivery.
const DRAIN: Duration = Duration::from_secs(60);

/// A service that can be served.
pub struct Service {
    name: &'static str,
    routes: Router,
    checks: Vec<Check>,
    body_limit: usize,
    guard: Option<Guard>,
}

/// Puts something in front of routes.
type Guard = Box<dyn FnOnce(Router) -> Router + Send>;

impl Service {
    /// The service of these routes. What its extractors read of a body (`Bytes`, `Json`, `String`)
    /// is at most `body_limit` bytes, else the answer is 413; a route that takes more sets a
    /// [`DefaultBodyLimit`] of its own. A handler that streams its body counts for itself.
    pub fn new(name: &'static str, routes: Router, body_limit: usize) -> Self {
        Self {
            name,
            routes,
            checks: Vec::new(),
            body_limit,
            guard: None,
        }
    }

    /// Puts in front of `/metrics` what the service has in front of its own routes. `/livez` and
    /// `/readyz` stay open: they tell a probe nothing but that.
    #[must_use]
    pub fn guard_metrics(mut self, guard: impl FnOnce(Router) -> Router + Send + 'static) -> Self {
        self.guard = Some(Box::new(guard));
        self
    }

    /// Makes `/readyz` ask `check`, under this name. It has two seconds; its error is logged, and
    /// the answer names only the check.
    pub fn ready_when<F, Fut, E>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        self.checks.push(Check::new(name, check));
        self
    }

    /// The service's routes with the shell around them.
    pub fn router(self, process: &Process) -> Router {
        let checks = Checks::new(self.checks, process.clock.clone(), process.stop.clone());
        let shell = access::Shell::new(self.name, process);
        let metrics = health::metrics(process.metrics.clone());
        let metrics = match self.guard {
            Some(guard) => guard(metrics),
            None => metrics,
        };
        self.routes
            .merge(health::probes(checks))
            .merge(metrics)
            .fallback(problem::no_such_route)
            .method_not_allowed_fallback(problem::no_such_method)
            .layer(DefaultBodyLimit::max(self.body_limit))
            .layer(from_fn_with_state(shell, access::carry))
    }

    /// Serves on `listener` until the process is asked to stop, then takes no new connection and
    /// waits for the open ones, a minute at most. Requests that were taken go on in the process's
    /// tasks in any case.
    pub async fn serve(self, listener: TcpListener, process: &Process) -> std::io::Result<()> {
        let name = self.name;
        info!(service = name, address = %listener.local_addr()?, "listening");
        let stop = process.stop.clone();
        let server = axum::serve(listener, self.router(process))
            .with_graceful_shutdown(async move { stop.requested().await });
        let too_long = async {
            process.stop.requested().await;
            process.clock.sleep(DRAIN).await;
        };
        tokio::select! {
            ended = server.into_future() => ended,
            () = too_long => {
                warn!(service = name, "connections were cut, they did not end by themselves");
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
