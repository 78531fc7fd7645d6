//! A process, from its checked configuration to its exit code.
//!
//! Starts logs, metrics and the signal handling, runs the given function, and then waits for
//! every task that is still under way, unless a second signal asks to end at once.

use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::{error, warn};

use crate::clock::Clock;
use crate::config::Config;
use crate::exit::ExitCode;
use crate::spawn::Tasks;
use crate::stop::Stop;
use crate::telemetry::{self, Metrics, causes};

/// What every part of a process shares. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Process {
    /// Checked settings.
    pub config: Arc<Config>,
    /// The time.
    pub clock: Clock,
    /// What shutdown waits for.
    pub tasks: Tasks,
    /// Whether to go on.
    pub stop: Stop,
    /// What `/metrics` shows.
    pub metrics: Metrics,
}

impl Process {
    /// A process on `clock` that nobody has asked to stop.
    pub fn new(config: Config, clock: Clock) -> Self {
        Self {
            config: Arc::new(config),
            clock,
            tasks: Tasks::new(),
            stop: Stop::new(),
            metrics: Metrics::start(),
        }
    }
}

/// Runs `main` on an async runtime of its own until it has ended and its tasks have, and says
/// how. A second signal ends it at once with [`ExitCode::TryAgain`].
pub fn run<F, Fut>(config: Config, main: F) -> ExitCode
where
    F: FnOnce(Process) -> Fut,
    Fut: Future<Output = ExitCode>,
{
    telemetry::start_log(&config.log);
    install_crypto();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!(
                error = %causes(&error),
                "the async runtime cannot start"
            );
            return ExitCode::Fault;
        }
    };
    let code = runtime.block_on(async {
        let process = Process::new(config, Clock::system());
        // These two go on until the process ends; the drain does not wait for them.
        let mut beside = JoinSet::new();
        match process.stop.clone().obey_signals() {
            Ok(signals) => drop(beside.spawn(signals)),
            Err(error) => error!(error = %causes(&error), "signals are not heard"),
        }
        beside.spawn(process.metrics.clone().keep_up(process.clock.clone()));
        let code = main_and_drain(&process, main(process.clone())).await;
        drop(beside);
        code
    });
    // What blocks a thread, such as a read of standard input, is not waited for.
    runtime.shutdown_background();
    code
}

async fn main_and_drain(process: &Process, main: impl Future<Output = ExitCode>) -> ExitCode {
    let to_the_end = async {
        let code = main.await;
        process.stop.request();
        process.tasks.ended().await;
        code
    };
    tokio::select! {
        code = to_the_end => code,
        () = process.stop.requested_at_once() => {
            warn!(tasks = process.tasks.running(), "ended at once, tasks were cut");
            ExitCode::TryAgain
        }
    }
}

/// Makes aws-lc the crypto of every TLS connection of this process. A repeat changes nothing.
pub fn install_crypto() {
    // An error says that one is installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
