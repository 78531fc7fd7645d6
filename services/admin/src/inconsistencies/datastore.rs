//! What Datastore holds of an inconsistency: the chunk, and the pushes that its intent names.

use std::collections::HashMap;

use campaign::{ChunkId, Places, Standing};
use chrono::{DateTime, Utc};
use push_store::{Chunk, Push};
use runtime::Backends;
use runtime::telemetry::causes;
use serde::Serialize;
use utoipa::ToSchema;

use crate::schema;

/// What Datastore holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(crate) enum InDatastore {
    /// It was read.
    Read {
        /// `null` if there is no such chunk.
        chunk: Option<ChunkSummary>,
        /// `null` if the intent, which names them, is deleted.
        pushes: Option<NamedPushes>,
    },
    /// It could not be read.
    Failed {
        /// Why.
        error: String,
    },
}

/// The chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ChunkSummary {
    /// Where it is on its way.
    #[schema(value_type = schema::ChunkState)]
    pub(super) state: &'static str,
    /// Until when a sender has it; `null` if none has.
    pub(super) leased_until: Option<DateTime<Utc>>,
}

/// The pushes that the intent names, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct NamedPushes {
    /// Datastore does not know of their coupon.
    pub(super) pending: u64,
    /// It does.
    pub(super) granted: u64,
    /// They are final.
    pub(super) settled: u64,
    /// They are final because their users were erased.
    pub(super) erased: u64,
    /// They are not there.
    pub(super) missing: u64,
}

impl InDatastore {
    /// Reads the chunk, and its pushes at `places`.
    pub(super) async fn read(backends: &Backends, chunk: ChunkId, places: Option<Places>) -> Self {
        match read(backends, chunk, places).await {
            Ok((chunk, pushes)) => {
                let now = backends.process.clock.now();
                Self::Read {
                    chunk: chunk.map(|chunk| ChunkSummary::of(&chunk, now)),
                    pushes,
                }
            }
            Err(error) => Self::Failed {
                error: causes(&error).to_string(),
            },
        }
    }
}

async fn read(
    backends: &Backends,
    id: ChunkId,
    places: Option<Places>,
) -> Result<(Option<Chunk>, Option<NamedPushes>), push_store::Error> {
    let chunk = backends.push_store.find_chunk(id).await?;
    let pushes = match places {
        Some(places) => {
            let pushes = backends.push_store.list_pushes(id).await?;
            Some(NamedPushes::count(&pushes, &places))
        }
        None => None,
    };
    Ok((chunk, pushes))
}

impl ChunkSummary {
    fn of(chunk: &Chunk, now: DateTime<Utc>) -> Self {
        let lease = chunk.record.lease.filter(|_| chunk.record.is_leased(now));
        Self {
            state: chunk.record.state.as_str(),
            leased_until: lease.map(|lease| lease.until),
        }
    }
}

impl NamedPushes {
    fn count(pushes: &[Push], places: &Places) -> Self {
        let found: HashMap<_, _> = pushes.iter().map(|push| (push.place, push)).collect();
        let mut counts = Self::default();
        for place in places.iter() {
            let count = match found.get(&place) {
                None => &mut counts.missing,
                Some(push) => match push.standing {
                    Standing::Pending => &mut counts.pending,
                    Standing::Granted => &mut counts.granted,
                    Standing::Settled(_) if push.user.is_none() => &mut counts.erased,
                    Standing::Settled(_) => &mut counts.settled,
                },
            };
            *count += 1;
        }
        counts
    }
}
