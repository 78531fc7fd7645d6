//! Open intents: promises that Datastore will follow, which somebody did not live to keep.

use std::time::Duration;

use campaign::{Backoff, ChunkId, InconsistencyId, LeaseToken, Places};
use chrono::{DateTime, TimeDelta, Utc};
use database::inconsistency::{self, Inconsistency, InconsistencyKind, InconsistencyState};
use database::shard::intent::{self, Intent};
use database::{Change, Insertion, Tx};
use push_store::Redone;
use runtime::Backends;
use runtime::telemetry::causes;
use tracing::{error, info, warn};

use super::{Report, measure};
use crate::error::Error;

/// How long an intent is leased: longer than a redo takes, shorter than anybody would notice.
const LEASE: TimeDelta = TimeDelta::seconds(3);

/// Intents that are leased at once.
const BATCH: u32 = 16;

/// One that is due and was left, because somebody has it locked, is not looked at sooner than this.
const SOONEST: Duration = Duration::from_millis(100);

/// How often a redo is tried that fails for a reason which does not pass by itself.
const ATTEMPTS: u32 = 8;

const BACKOFF: Backoff = Backoff {
    base: Duration::from_secs(1),
    cap: Duration::from_secs(60),
    attempts: ATTEMPTS,
};

/// Rolls forward every open intent that is due.
pub(super) async fn roll_forward(backends: &Backends, report: &mut Report) -> Result<(), Error> {
    while !backends.process.stop.is_requested() {
        let now = backends.process.clock.now();
        let mut tx = backends.db.begin().await?;
        let (token, intents) = intent::lease_open(&mut tx, now, now + LEASE, BATCH).await?;
        tx.commit().await.repeatable()?;
        if !intents.is_empty() {
            fault_points::reach!(
                IntentsLeased,
                Err(database::Error::unreachable(fault_points::Injected).into())
            );
        }
        for intent in &intents {
            let redone = redo(backends, intent, token, report).await;
            report.leave_if_busy(Some(intent.campaign_id), redone)?;
        }
        if intents.is_empty() {
            return Ok(());
        }
    }
    Ok(())
}

/// In how long the first intent comes due that was taken up, by whomever, and is not closed.
pub(super) async fn next_in(backends: &Backends) -> Result<Option<Duration>, Error> {
    let due_at = intent::next_due(&backends.db).await?;
    let now = backends.process.clock.now();
    Ok(due_at.map(|due_at| (due_at - now).to_std().unwrap_or_default().max(SOONEST)))
}

async fn redo(
    backends: &Backends,
    intent: &Intent,
    token: LeaseToken,
    report: &mut Report,
) -> Result<(), Error> {
    let chunk = ChunkId::of(intent.campaign_id, intent.chunk_no);
    let places = Places::from_bytes(intent.users);
    let mut redone = Ok(Redone::Done { raised: 0 });
    if !fault_points::bug!(IntentClosedUnseen) {
        let now = backends.process.clock.now();
        redone = backends.push_store.redo_grants(chunk, &places, now).await;
    }
    let failed = match redone {
        Ok(Redone::Done { raised }) => {
            fault_points::reach!(
                Redone,
                Err(database::Error::unreachable(fault_points::Injected).into())
            );
            close(backends, intent, raised).await?;
            report.closed_intents += 1;
            report.repaired += u32::from(raised > 0);
            return Ok(());
        }
        Ok(Redone::Missing) => {
            give_up(
                backends,
                intent,
                token,
                "its chunk, or a push of it, does not exist",
            )
            .await
        }
        Err(error)
            if (error.is_passing() || intent.attempts + 1 < ATTEMPTS)
                && !fault_points::bug!(GivenUpAtOnce) =>
        {
            put_off(backends, intent, token, &error).await
        }
        Err(error) => {
            let why = causes(&error).to_string();
            give_up(backends, intent, token, &why).await
        }
    };
    report.failed_intents += 1;
    failed
}

/// Closes the intent. If its Datastore side was missing, that was an inconsistency, recorded
/// before or not; it is repaired now.
async fn close(backends: &Backends, intent: &Intent, raised: usize) -> Result<(), Error> {
    let now = backends.process.clock.now();
    let mut tx = backends.db.begin().await?;
    intent::close(&mut tx, &[intent.id], now).await?;
    let how = if raised > 0 {
        let detail = format!("{raised} pushes were not granted in datastore");
        record(&mut tx, intent, detail, now).await?;
        "rolled forward by reconcile"
    } else {
        "datastore had followed; closed by reconcile"
    };
    let repaired = InconsistencyState::Repaired;
    let change = inconsistency::resolve(&mut tx, intent.id, repaired, how, now).await?;
    tx.commit().await.repeatable()?;
    fault_points::reach!(
        CloseAnswer,
        Err(database::Error::unreachable(fault_points::Injected).into())
    );
    if change == Change::Applied {
        measure::repaired(intent.created_at, now);
        info!(intent.id = %intent.id, campaign.id = %intent.campaign_id, chunk.no = intent.chunk_no, raised,
            "an inconsistency was repaired");
    }
    Ok(())
}

/// Puts the intent off. From its first failure on it is an inconsistency that people can see: no
/// sender has closed it in time, and Datastore is not known to have followed.
async fn put_off(
    backends: &Backends,
    intent: &Intent,
    token: LeaseToken,
    error: &push_store::Error,
) -> Result<(), Error> {
    warn!(
        intent.id = %intent.id,
        attempt = intent.attempts + 1,
        error = error as &dyn std::error::Error,
        "an intent could not be rolled forward yet"
    );
    let wait = BACKOFF.wait(intent.attempts + 1, rand::random(), None);
    let now = backends.process.clock.now();
    let why = causes(error).to_string();
    let mut tx = backends.db.begin().await?;
    if intent::postpone(&mut tx, intent.id, token, now + wait, &why).await? == Change::Applied {
        record(&mut tx, intent, why, now).await?;
    }
    Ok(tx.commit().await.repeatable()?)
}

async fn give_up(backends: &Backends, intent: &Intent, token: LeaseToken, why: &str) -> Result<(), Error> {
    let now = backends.process.clock.now();
    error!(intent.id = %intent.id, campaign.id = %intent.campaign_id, chunk.no = intent.chunk_no,
        cause = why, "an intent cannot be rolled forward; a person must look");
    let mut tx = backends.db.begin().await?;
    if intent::mark_dead(&mut tx, intent.id, token, why, now).await? == Change::Applied {
        record(&mut tx, intent, why.to_owned(), now).await?;
        let dead = InconsistencyState::Dead;
        let _: Change = inconsistency::resolve(&mut tx, intent.id, dead, why, now).await?;
    }
    Ok(tx.commit().await.repeatable()?)
}

/// Records what was found, unless that was done before.
async fn record(tx: &mut Tx, intent: &Intent, detail: String, now: DateTime<Utc>) -> Result<(), Error> {
    let found = Inconsistency {
        id: InconsistencyId::allocate(),
        intent_id: intent.id,
        campaign_id: intent.campaign_id,
        chunk_no: intent.chunk_no,
        kind: InconsistencyKind::Found,
        detail,
        state: InconsistencyState::Open,
        resolution: None,
        detected_at: now,
        resolved_at: None,
    };
    if inconsistency::insert(tx, &found).await? == Insertion::New {
        metrics::counter!("noroshi_inconsistencies_total").increment(1);
    }
    Ok(())
}
