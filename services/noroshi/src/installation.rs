//! Everything in one process: both services, every pass in a loop, and what is embedded.
//!
//! `noroshi up` and `noroshi demo` run it, and so do the tests: there is one way in which the
//! parts are put together. It ends by a drain: no new work, the services' requests and the
//! passes under way come to their end, then the embedded parts stop.

use std::net::SocketAddr;
use std::sync::Arc;

use campaign::Lane;
use jobs::{dispatch, erase, fan_out, feedback, import, prune, reconcile, report};
use runtime::config::Secret;
use runtime::job::{Nudge, Repeat, Report};
use runtime::telemetry::causes;
use runtime::token;
use runtime::{Backends, ConnectError, Embedded, ExitCode, Failure, Process};
use sender::Sender;
use task_queue::Verifier;
use tokio::net::TcpListener;

use crate::output;

/// A running installation.
#[derive(Debug)]
pub struct Installation {
    /// Where the HTTP API listens.
    pub admin: SocketAddr,
    /// The API's token.
    pub token: Secret,
    /// What everything works with.
    pub backends: Backends,
    /// The parts that run in this process.
    pub embedded: Embedded,
}

/// Why an installation did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A service cannot listen where it should.
    #[error("[{section}] listen: cannot listen on {address}")]
    Listen {
        /// The service's section of the configuration.
        section: &'static str,
        /// Where it should.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A store, the queue or the gateway.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The data directory's token cannot be read or made.
    #[error("the API token in the data directory cannot be used")]
    Token(#[source] std::io::Error),
    /// No HTTP client can be made to fetch the queue's keys.
    #[error("the queue's tokens cannot be verified")]
    Verifier(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Failure for StartError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Connect(error) => error.exit_code(),
            Self::Listen { .. } | Self::Token(_) => ExitCode::Usage,
            Self::Verifier(_) => ExitCode::Fault,
        }
    }
}

impl Installation {
    /// Starts everything. Once this returns, the API takes requests and the passes run.
    pub async fn start(mut process: Process) -> Result<Self, StartError> {
        let token = token(&process)?;
        let admin = listen("admin", process.config.admin.listen).await?;
        let sender = listen("sender", process.config.sender.listen).await?;
        // A port that was left to the system is known from here on, for the queue's sake.
        let mut config = (*process.config).clone();
        config.sender.listen = sender.1;
        process.config = Arc::new(config);

        let (backends, embedded) = Backends::connect(&process).await?;
        backends.watch_load().await?;
        serve(
            &backends,
            admin::service(backends.clone(), token.clone()),
            admin.0,
        );
        let verifier = Verifier::new(backends.queue_identity.clone());
        let verifier = verifier.map_err(|error| StartError::Verifier(error.into()))?;
        serve(
            &backends,
            sender::service(Sender::new(backends.clone()), Arc::new(verifier)),
            sender.0,
        );
        repeat_passes(&backends);
        Ok(Self {
            admin: admin.1,
            token,
            backends,
            embedded,
        })
    }

    /// Says on standard error how to reach it, and how to end it.
    pub fn say_where(&self) {
        let data = self.backends.process.config.data.dir.display();
        output::note(format_args!(
            "The API listens on http://{}/v1 (see /openapi.json).",
            self.admin
        ));
        output::note(format_args!("Its token: {}.", self.token.reference()));
        output::note(format_args!("Files of what is embedded: {data}."));
        output::note("Ctrl-C ends it, after a drain; twice, at once. Nothing is lost either way.");
    }

    /// Waits until the process is asked to stop and everything has come to its end.
    pub async fn drained(self) {
        let process = self.backends.process.clone();
        process.stop.requested().await;
        drop(self.backends);
        process.tasks.ended().await;
        self.embedded.stop().await;
    }
}

/// The configured token, or the data directory's own.
fn token(process: &Process) -> Result<Secret, StartError> {
    match &process.config.admin.token {
        Some(token) => Ok(token.clone()),
        None => token::find_or_generate(&process.config.data.dir).map_err(StartError::Token),
    }
}

async fn listen(section: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen {
        section,
        address,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn serve(backends: &Backends, service: runtime::Service, listener: TcpListener) {
    let process = backends.process.clone();
    backends.process.tasks.spawn(async move {
        if let Err(error) = service.serve(listener, &process).await {
            tracing::error!(error = %causes(&error), "a service ended");
            process.stop.request();
        }
    });
}

/// Every pass in a loop of its own; dispatch once for each lane, so that no lane waits for
/// another.
fn repeat_passes(backends: &Backends) {
    let config = &backends.process.config;
    let nudges = &backends.nudges;
    let each = |name, interval, nudge: &Nudge| {
        let nudge = nudge.clone();
        Loop {
            backends: backends.clone(),
            repeat: Repeat {
                name,
                interval,
                nudge,
            },
        }
    };
    each("import", config.import.interval, &nudges.import)
        .spawn(|backends| async move { import::run(&backends).await });
    each("fan-out", config.fan_out.interval, &nudges.fan_out)
        .spawn(|backends| async move { fan_out::run(&backends).await });
    each("dispatch-fast", config.dispatch.interval, &nudges.dispatch.fast)
        .spawn(|backends| async move { dispatch::run_lane(&backends, Lane::Fast).await });
    each("dispatch-bulk", config.dispatch.interval, &nudges.dispatch.bulk)
        .spawn(|backends| async move { dispatch::run_lane(&backends, Lane::Bulk).await });
    each("reconcile", config.reconcile.interval, &nudges.reconcile)
        .spawn(|backends| async move { reconcile::run(&backends).await });
    each("erase", config.reconcile.interval, &nudges.erase)
        .spawn(|backends| async move { erase::run(&backends).await });
    each("report", config.reconcile.interval, &nudges.report)
        .spawn(|backends| async move { report::run(&backends).await });
    each("feedback", config.feedback.interval, &Nudge::default())
        .spawn(|backends| async move { feedback::run(&backends).await });
    each("prune", config.prune.interval, &Nudge::default())
        .spawn(|backends| async move { prune::run(&backends).await });
}

struct Loop {
    backends: Backends,
    repeat: Repeat,
}

impl Loop {
    fn spawn<R, F, Fut>(self, pass: F)
    where
        R: Report,
        F: Fn(Backends) -> Fut + Send + 'static,
        Fut: Future<Output = Result<R, jobs::Error>> + Send + 'static,
    {
        let Self { backends, repeat } = self;
        let process = backends.process.clone();
        let tasks = process.tasks.clone();
        tasks.spawn(repeat.run(process, move || pass(backends.clone())));
    }
}
