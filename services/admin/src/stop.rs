//! `/v1/stop`: the switch over everything.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use database::control::{self, GlobalStop};
use runtime::{Backends, Process};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Done;
use crate::error::Error;
use crate::transaction::conclude;

/// How much longer than a permit to wait: a commit is seen by polls that begin after it.
const MARGIN: Duration = Duration::from_millis(100);

/// The routes of the switch.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(get, stop, go_on))
}

/// Waits until every permit has ended that was given before what was just committed: from then
/// on nothing is handed to a gateway that it forbids.
pub(crate) async fn permits_ended(process: &Process) {
    process.clock.sleep(process.config.sender.permit + MARGIN).await;
}

/// Whether anything is sent at all.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stop {
    /// Nothing of any campaign is sent.
    stopped: bool,
}

/// Show whether everything is stopped.
#[utoipa::path(
    get, path = "/v1/stop", tag = "stop", operation_id = "get_stop",
    responses((status = 200, description = "Whether it is", body = Stop))
)]
async fn get(State(backends): State<Backends>) -> Result<Response, Error> {
    let control = control::state(&backends.db).await?;
    Ok(Done::Ok.with(Stop {
        stopped: control.stop == GlobalStop::On,
    }))
}

/// Stop everything: nothing is handed to a gateway after the answer.
#[utoipa::path(
    put, path = "/v1/stop", tag = "stop", operation_id = "stop",
    responses((status = 200, description = "Everything is stopped", body = Stop))
)]
async fn stop(State(backends): State<Backends>) -> Result<Response, Error> {
    turn(&backends, GlobalStop::On).await?;
    permits_ended(&backends.process).await;
    Ok(Done::Ok.with(Stop { stopped: true }))
}

/// Let campaigns go on, each as its own state says.
#[utoipa::path(
    delete, path = "/v1/stop", tag = "stop", operation_id = "go_on",
    responses((status = 200, description = "Nothing is stopped any more", body = Stop))
)]
async fn go_on(State(backends): State<Backends>) -> Result<Response, Error> {
    turn(&backends, GlobalStop::Off).await?;
    backends.nudges.dispatch.nudge();
    Ok(Done::Ok.with(Stop { stopped: false }))
}

async fn turn(backends: &Backends, stop: GlobalStop) -> Result<(), Error> {
    let mut tx = backends.db.begin_ahead().await?;
    let turned = control::set_stop(&mut tx, stop).await;
    conclude(tx, turned).await
}
