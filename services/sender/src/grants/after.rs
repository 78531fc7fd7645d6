//! After SQL has committed and Datastore is not known to have.
//!
//! The inconsistency is logged and recorded first, then rolled forward at once. What fails here
//! is not lost: the open intent is found by reconcile.

use campaign::{InconsistencyId, IntentId, Places};
use database::inconsistency::{self, Inconsistency, InconsistencyKind, InconsistencyState};
use database::shard::intent::{self, IntentState};
use database::{Change, Insertion};
use push_store::Redone;
use rendezvous::Fate;
use runtime::telemetry::causes;
use tracing::{error, info};

use crate::attempt::Attempt;
use crate::error::Error;

/// Records that Datastore is behind, and brings it up.
pub(super) async fn roll_forward(
    attempt: &Attempt<'_>,
    intent: IntentId,
    granted: &Places,
    datastore: Fate,
    cause: &Error,
) -> Result<(), Error> {
    error!(
        campaign.id = %attempt.campaign.id,
        chunk.no = attempt.chunk.no,
        intent.id = %intent,
        datastore.fate = ?datastore,
        error = cause as &dyn std::error::Error,
        "an inconsistency: SQL committed grants and Datastore is not known to have followed"
    );
    if record(attempt, intent, datastore, cause).await? == Recorded::Repaired {
        return Ok(());
    }
    let store = &attempt.backends.push_store;
    let redone = store.redo_grants(attempt.chunk.id, granted, attempt.now());
    match redone.await? {
        Redone::Done { .. } => resolve(attempt, intent).await?,
        Redone::Missing => return Err(Error::Rendezvous("the chunk or a push of it is gone")),
    }
    info!(intent.id = %intent, "an inconsistency was repaired inline");
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recorded {
    /// It is to be rolled forward.
    Open,
    /// Reconcile has closed its intent meanwhile; recorded now, nobody would look at it again.
    Repaired,
}

async fn record(
    attempt: &Attempt<'_>,
    id: IntentId,
    datastore: Fate,
    cause: &Error,
) -> Result<Recorded, Error> {
    let kind = match datastore {
        Fate::NotCommitted => InconsistencyKind::NotCommitted,
        Fate::Committed | Fate::Unknown => InconsistencyKind::Unknown,
    };
    let inconsistency = Inconsistency {
        id: InconsistencyId::allocate(),
        intent_id: id,
        campaign_id: attempt.campaign.id,
        chunk_no: attempt.chunk.no,
        kind,
        detail: causes(cause).to_string(),
        state: InconsistencyState::Open,
        resolution: None,
        detected_at: attempt.now(),
        resolved_at: None,
    };
    if fault_points::bug!(InconsistencyUnrecorded) {
        return Ok(Recorded::Open);
    }
    let mut tx = attempt.backends.db.begin().await?;
    if intent::lock(&mut tx, id).await? == Some(IntentState::Closed) {
        tx.rollback().await;
        return Ok(Recorded::Repaired);
    }
    let inserted = inconsistency::insert(&mut tx, &inconsistency).await?;
    tx.commit().await.repeatable()?;
    if inserted == Insertion::New {
        metrics::counter!("noroshi_inconsistencies_total").increment(1);
    }
    Ok(Recorded::Open)
}

async fn resolve(attempt: &Attempt<'_>, id: IntentId) -> Result<(), Error> {
    let now = attempt.now();
    let mut tx = attempt.backends.db.begin().await?;
    let intent = intent::find(&mut tx, id).await?;
    intent::close(&mut tx, &[id], now).await?;
    let repaired = InconsistencyState::Repaired;
    let change = inconsistency::resolve(&mut tx, id, repaired, "repaired inline", now).await?;
    tx.commit().await.repeatable()?;
    if let (Change::Applied, Some(intent)) = (change, intent) {
        metrics::counter!("noroshi_inconsistencies_repaired_total").increment(1);
        let differed = (now - intent.created_at).as_seconds_f64();
        metrics::histogram!("noroshi_inconsistency_repair_seconds").record(differed.max(0.0));
    }
    Ok(())
}
