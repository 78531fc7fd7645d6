//! Descriptions, for the API's document, of values that other crates define.

mod file;
mod message;
mod schedule;
mod words;

pub(crate) use file::{Delimiter, Encoding};
pub(crate) use message::{Message, Priority};
pub(crate) use schedule::{Canary, Expiry, Schedule};
pub(crate) use words::{
    AddressFate, AudienceState, CampaignState, CanaryState, ChunkState, ErasureState, FeedbackState,
    GuardCause, GuardHearing, GuardState, ImportPhase, InconsistencyKind, InconsistencyState, IntentState,
    PushReason, PushState, ReportState,
};
