//! Differences between the audience and the stores, as the API tells them.

use campaign::{CampaignState, PushId};
use database::campaign::Campaign as Row;
use serde::Serialize;
use utoipa::ToSchema;

/// Pushes of one difference that are named.
const NAMED: usize = 10;

/// One thing that is not as it must be when everything is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Difference {
    pub(super) kind: DifferenceKind,
    pub(super) verdict: Verdict,
    /// Of which chunk; `null` for one of the campaign as a whole.
    pub(super) chunk_no: Option<u32>,
    /// How many of the chunk's pushes it is about; 0 where it is about none in particular.
    pub(super) pushes: u64,
    /// Ids of those, the first ten.
    #[schema(value_type = Vec<uuid::Uuid>)]
    pub(super) push_ids: Vec<PushId>,
    /// The same in words.
    pub(super) detail: String,
}

/// Whether a difference is one for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Work that is under way or still to come removes it.
    NotYet,
    /// Nothing that this program does leads to it, or away from it.
    Fault,
}

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DifferenceKind {
    /// A chunk has no marker.
    MarkerMissing,
    /// A chunk has no marker, and pushes all the same.
    PushesWithoutMarker,
    /// A marker is of another audience, digest, size or number than its chunk.
    MarkerDiffers,
    /// A marker lies beyond the last chunk of the audience.
    MarkerBeyond,
    /// Recipients have no push.
    PushMissing,
    /// Pushes lie under a marker that are nobody's of that chunk.
    PushForeign,
    /// Pushes name users who are erased.
    PushNotErased,
    /// An entity does not have the shape in which it is written.
    Unreadable,
    /// A chunk's own counts are not those of its pushes.
    CountsDiffer,
    /// Pushes are not final, or a chunk is not closed.
    Unsettled,
    /// SQL's counts of a chunk are older than the chunk, or not there.
    TotalsBehind,
    /// SQL's counts of a chunk are others than the chunk's.
    TotalsDiffer,
    /// Pushes tell of a coupon that SQL has not granted.
    GrantMissing,
    /// SQL has granted a coupon, and the push cannot or does not know.
    GrantUnexpected,
    /// SQL has granted a coupon in another chunk.
    GrantElsewhere,
    /// SQL counts other grants for a chunk than there are.
    GrantCountDiffers,
    /// There are grants to nobody of the audience.
    GrantForeign,
    /// Grants are not known to have been followed by Datastore.
    IntentsOpen,
    /// The audience's chunks have other recipients than the campaign counts.
    AudienceDiffers,
}

impl Difference {
    /// One of a chunk, about no pushes in particular.
    pub(super) fn of_chunk(
        kind: DifferenceKind,
        verdict: Verdict,
        chunk_no: u32,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            verdict,
            chunk_no: Some(chunk_no),
            pushes: 0,
            push_ids: Vec::new(),
            detail: detail.into(),
        }
    }

    /// One of the campaign as a whole.
    pub(super) fn of_campaign(kind: DifferenceKind, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self {
            chunk_no: None,
            ..Self::of_chunk(kind, verdict, 0, detail)
        }
    }

    /// One about these pushes of a chunk; `None` if there are none.
    pub(super) fn of_pushes(
        kind: DifferenceKind,
        verdict: Verdict,
        chunk_no: u32,
        pushes: &[PushId],
        words: &str,
    ) -> Option<Self> {
        (!pushes.is_empty()).then(|| Self {
            pushes: pushes.len() as u64,
            push_ids: pushes.iter().copied().take(NAMED).collect(),
            ..Self::of_chunk(kind, verdict, chunk_no, format!("{} {words}", pushes.len()))
        })
    }
}

/// How far a campaign is, as far as it decides what may still be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Work is under way, or comes.
    UnderWay,
    /// It is finished: everything is there, or is a fault.
    Finished,
    /// It was cancelled or failed, and its chunks are being closed.
    Ending(CampaignState),
    /// They are closed. What was not made never will be.
    Ended(CampaignState),
}

impl Stage {
    pub(super) fn of(row: &Row) -> Self {
        match (row.state, row.reconciled_at) {
            (
                CampaignState::Draft
                | CampaignState::Scheduled
                | CampaignState::Running
                | CampaignState::Paused,
                _,
            ) => Self::UnderWay,
            (CampaignState::Finished, _) => Self::Finished,
            (state @ (CampaignState::Cancelled | CampaignState::Failed), Some(_)) => Self::Ended(state),
            (state @ (CampaignState::Cancelled | CampaignState::Failed), None) => Self::Ending(state),
        }
    }

    /// The verdict on what work that is under way would remove.
    pub(super) fn passing(self) -> Verdict {
        match self {
            Self::UnderWay | Self::Ending(_) => Verdict::NotYet,
            Self::Finished | Self::Ended(_) => Verdict::Fault,
        }
    }
}
