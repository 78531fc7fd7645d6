//! What is shown of the load: metrics at each sample, and a line of the log when it changes.

use pacing::guard::{State, Verdict};
use tracing::{info, warn};

use super::{Hearing, Status};

/// Sets the metrics.
pub(super) fn measure(status: &Status) {
    let Status {
        verdict,
        signals,
        replicas,
        ..
    } = status;
    metrics::gauge!("noroshi_guard_share").set(verdict.share);
    for cause in pacing::guard::Cause::ALL {
        let slows = verdict.cause == Some(cause);
        metrics::gauge!("noroshi_guard_slowed_by", "cause" => cause.as_str()).set(f64::from(slows));
    }
    for replica in replicas {
        // One that is dropped has none.
        let lag = replica.lag.unwrap_or(f64::NAN);
        metrics::gauge!("noroshi_guard_replica_lag_seconds", "replica" => replica.name.clone()).set(lag);
    }
    let found = [
        ("noroshi_guard_threads_running", signals.threads_running),
        ("noroshi_guard_statement_seconds", signals.statement),
        ("noroshi_guard_datastore_error_ratio", signals.datastore_errors),
    ];
    for (name, signal) in found {
        if let Some(signal) = signal {
            metrics::gauge!(name).set(signal);
        }
    }
}

/// Logs that the state is another one.
pub(super) fn tell(before: Verdict, status: &Status) {
    let now = status.verdict;
    if now.state() == before.state() {
        return;
    }
    let cause = now.cause.or(before.cause).map(|cause| cause.as_str());
    let slowest = status
        .replicas
        .iter()
        .filter(|replica| replica.hearing != Hearing::Dropped)
        .max_by(|one, other| one.lag.unwrap_or(0.0).total_cmp(&other.lag.unwrap_or(0.0)));
    let (replica, lag) = (slowest.map(|it| it.name.as_str()), slowest.and_then(|it| it.lag));
    let signals = &status.signals;
    match now.state() {
        State::Held => warn!(
            guard.cause = cause,
            guard.replica = replica,
            guard.replica_lag_seconds = lag,
            guard.threads_running = signals.threads_running,
            guard.statement_seconds = signals.statement,
            guard.datastore_error_ratio = signals.datastore_errors,
            "the load guard holds everything"
        ),
        State::Slowed => info!(
            guard.share = now.share,
            guard.cause = cause,
            guard.replica = replica,
            guard.replica_lag_seconds = lag,
            guard.threads_running = signals.threads_running,
            guard.statement_seconds = signals.statement,
            guard.datastore_error_ratio = signals.datastore_errors,
            "the load guard slows everything down"
        ),
        State::Free => info!(guard.cause = cause, "the load guard lets everything go"),
    }
}
