//! Has an inconsistency repaired now, not after its back-off.
//!
//! The repair itself is reconcile's, in whichever process it runs: the intent is made due, an
//! embedded reconcile is woken, and the answer waits a little for what becomes of it. So there is
//! one way in which Datastore is made to follow, and a repeat asks for what is asked for already.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::inconsistency::{self, Inconsistency as Row, InconsistencyState};
use database::shard::intent;
use database::{Change, Tx};
use runtime::Backends;
use tracing::info;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::view::{InconsistencyHistory, find_row};
use crate::answer::Done;
use crate::error::Error;
use crate::request::Segments;
use crate::transaction::conclude;

/// How long the answer waits for reconcile.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it looks.
const LOOK: Duration = Duration::from_millis(100);

/// The route of repairs.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(repair))
}

/// Have an inconsistency repaired now; a dead one is opened again.
///
/// The answer waits up to five seconds for the repair. One that is repaired stays as it is, and
/// a repeat is harmless.
#[utoipa::path(
    post, path = "/v1/inconsistencies/{id}/repair", tag = "inconsistencies",
    operation_id = "repair_inconsistency",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "It is repaired, or was given up for the reason in `resolution`",
            body = InconsistencyHistory),
        (status = 202, description = "It is open still, and the next pass of reconcile tries it",
            body = InconsistencyHistory),
    )
)]
async fn repair(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let row = find_row(&backends, id).await?;
    let row = match row.state {
        InconsistencyState::Repaired => row,
        InconsistencyState::Open | InconsistencyState::Dead => {
            make_due(&backends, &row).await?;
            backends.nudges.reconcile.nudge();
            until_resolved(&backends, id).await?
        }
    };
    let done = match row.state {
        InconsistencyState::Open => Done::Accepted,
        InconsistencyState::Repaired | InconsistencyState::Dead => Done::Ok,
    };
    Ok(done.with(InconsistencyHistory::read(&backends, row).await?))
}

async fn make_due(backends: &Backends, row: &Row) -> Result<(), Error> {
    let now = backends.process.clock.now();
    let mut tx = backends.db.begin().await?;
    let made = make_due_in(&mut tx, row, now).await;
    conclude(tx, made).await?;
    info!(inconsistency.id = %row.id, intent.id = %row.intent_id, "a repair was asked for");
    Ok(())
}

async fn make_due_in(tx: &mut Tx, row: &Row, now: DateTime<Utc>) -> Result<(), database::Error> {
    let _: Change = match intent::reopen(tx, row.intent_id, now).await? {
        Change::Applied => inconsistency::reopen(tx, row.intent_id, "its repair was asked for", now).await?,
        // Whoever closes an intent knows that Datastore has followed.
        Change::Stale => {
            let repaired = InconsistencyState::Repaired;
            inconsistency::resolve(tx, row.intent_id, repaired, "its intent was closed", now).await?
        }
    };
    Ok(())
}

/// The inconsistency as soon as it is not open any more, or as it is when nobody wants to wait
/// any longer.
async fn until_resolved(backends: &Backends, id: Uuid) -> Result<Row, Error> {
    let clock = &backends.process.clock;
    let asked = clock.monotonic();
    loop {
        let row = find_row(backends, id).await?;
        let is_open = row.state == InconsistencyState::Open;
        let is_over = clock.monotonic().since(asked) >= PATIENCE || backends.process.stop.is_requested();
        if !is_open || is_over {
            return Ok(row);
        }
        clock.sleep(LOOK).await;
    }
}
