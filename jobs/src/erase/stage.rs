//! How far an erasure is, as it stands beside its request.

use campaign::AudienceId;
use chrono::{DateTime, Utc};
use database::erasure::{self, Erasure};
use database::{Change, Db};
use serde::{Deserialize, Serialize};

use crate::Error;

/// What is to be done next. A request on which nobody has begun has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    /// To look at the audience chunks behind this one, or at all.
    Chunks { after: Option<(AudienceId, u32)> },
    /// To remove what is kept under the user's id.
    Traces,
    /// To remove it once more, when whoever may have read it before has ended.
    LateTraces { at: DateTime<Utc> },
}

/// Where the erasure is; `None` if nobody has begun.
pub(super) fn of(erasure: &Erasure) -> Result<Option<Stage>, Error> {
    let stage = erasure
        .resume_from
        .as_deref()
        .map(serde_json::from_str)
        .transpose();
    stage.map_err(|error| Error::stored("the progress of an erasure", error))
}

/// Keeps that all of `erasures` are at `stage`. One that was asked for again meanwhile is left
/// alone, to begin anew.
pub(super) async fn keep(db: &Db, erasures: &[Erasure], stage: Stage) -> Result<(), Error> {
    let stage = serde_json::to_string(&stage).map_err(|error| Error::stored("a stage", error))?;
    let mut tx = db.begin().await?;
    for erasure in erasures {
        let _: Change = erasure::advance(&mut tx, &erasure.user_id, erasure.requested_at, &stage).await?;
    }
    Ok(tx.commit().await.repeatable()?)
}
