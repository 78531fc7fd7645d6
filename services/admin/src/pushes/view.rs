//! Single pushes as the API shows them.

use campaign::{CampaignState, Reason, Standing};
use chrono::{DateTime, Utc};
use push_store::Chunk;
use runtime::Backends;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::schema;

/// A push to one user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TriggeredPush {
    /// What the app gets as `push_id`.
    id: Uuid,
    campaign_id: Uuid,
    /// Where it is. What is not settled in a cancelled or failed campaign is cancelled.
    #[schema(value_type = schema::PushState)]
    state: &'static str,
    /// Why, if that is final.
    #[schema(value_type = Option<schema::PushReason>)]
    reason: Option<&'static str>,
    /// Attempts that left it to be tried again.
    attempts: u32,
    accepted_at: Option<DateTime<Utc>>,
    /// Nothing is sent before.
    not_before: DateTime<Utc>,
    /// From then on it is too late.
    expires_at: DateTime<Utc>,
    /// When it became final; `null` for one that only reads as cancelled.
    settled_at: Option<DateTime<Utc>>,
}

impl TriggeredPush {
    /// Of a chunk of one, in a campaign in that state.
    pub(super) async fn read(
        backends: &Backends,
        chunk: Chunk,
        campaign: CampaignState,
    ) -> Result<Self, Error> {
        // One that waits has not been touched since.
        let push = if chunk.is_settled() {
            backends
                .push_store
                .list_pushes(chunk.id)
                .await?
                .into_iter()
                .next()
        } else {
            None
        };
        let standing = push.as_ref().map_or(Standing::Pending, |push| push.standing);
        let standing = standing.read_in(campaign);
        Ok(Self {
            id: chunk.id.0,
            campaign_id: chunk.campaign.0,
            state: standing.state().as_str(),
            reason: standing.reason().map(Reason::as_str),
            attempts: chunk.attempts,
            accepted_at: chunk.accepted_at,
            not_before: chunk.record.not_before,
            expires_at: chunk.expires_at,
            settled_at: push.and_then(|push| push.settled_at),
        })
    }
}
