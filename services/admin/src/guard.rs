//! `/v1/guard`: what the load guard has found, and how much it lets begin.
//!
//! Every process watches for itself; the one that answers tells what it sees.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use runtime::Backends;
use runtime::guard::{ReplicaStatus, Status, Verdict};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Done;
use crate::error::Error;
use crate::schema;

/// The route of the guard.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(get))
}

/// What the load guard lets begin, and what it has found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GuardStatus {
    #[serde(flatten)]
    leave: GuardLeave,
    /// When the last sample was taken; absent where nothing is watched.
    sampled_at: Option<DateTime<Utc>>,
    /// The replicas of the SQL primary that are configured.
    replicas: Vec<GuardReplica>,
    /// Statements that run on the primary at once; absent on SQLite.
    threads_running: Option<u32>,
    /// How long a small write on the primary takes; absent if no answer came.
    statement_seconds: Option<f64>,
    /// The part of the last commits to Datastore that it did not take; absent of fewer than 20.
    datastore_error_ratio: Option<f64>,
}

/// How much the load guard lets begin.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GuardLeave {
    /// Whether everything goes at its own speed, less is begun, or nothing.
    #[schema(value_type = schema::GuardState)]
    state: &'static str,
    /// The share of import, fan-out and delivery that may begin, from 0 to 1.
    share: f64,
    /// What slows them down; absent where nothing does.
    #[schema(value_type = Option<schema::GuardCause>)]
    cause: Option<&'static str>,
}

/// What is known of a replica.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GuardReplica {
    /// Its host and port.
    name: String,
    /// Whether it answers.
    #[schema(value_type = schema::GuardHearing)]
    hearing: &'static str,
    /// How far it is taken to be behind; absent if it is stopped, which is without end, or dropped.
    lag_seconds: Option<f64>,
}

/// Show what the load guard has found, and how much it lets begin.
#[utoipa::path(
    get, path = "/v1/guard", tag = "guard", operation_id = "get_guard",
    responses((status = 200, description = "What it knows", body = GuardStatus))
)]
async fn get(State(backends): State<Backends>) -> Result<Response, Error> {
    Ok(Done::Ok.with(GuardStatus::of(backends.guard.status())))
}

impl GuardStatus {
    fn of(status: Status) -> Self {
        let signals = status.signals;
        Self {
            leave: GuardLeave::of(status.verdict),
            sampled_at: status.sampled_at,
            replicas: status.replicas.into_iter().map(GuardReplica::of).collect(),
            // A count, as it was read.
            threads_running: signals.threads_running.map(|running| running as u32),
            statement_seconds: signals.statement.filter(|seconds| seconds.is_finite()),
            datastore_error_ratio: signals.datastore_errors,
        }
    }
}

impl GuardLeave {
    /// As that verdict has it.
    pub(crate) fn of(verdict: Verdict) -> Self {
        Self {
            state: verdict.state().as_str(),
            share: verdict.share,
            cause: verdict.cause.map(|cause| cause.as_str()),
        }
    }
}

impl GuardReplica {
    fn of(ReplicaStatus { name, hearing, lag }: ReplicaStatus) -> Self {
        Self {
            name,
            hearing: hearing.as_str(),
            lag_seconds: lag.filter(|lag| lag.is_finite()),
        }
    }
}
