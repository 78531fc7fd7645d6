//! What SQL holds of an inconsistency: the intent, and the grants of the users it names.

use campaign::{CampaignId, Places};
use chrono::{DateTime, Utc};
use database::audience_chunk;
use database::inconsistency::Inconsistency as Row;
use database::shard::coupon_grant;
use database::shard::intent::{self, Intent};
use runtime::Backends;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Error;
use crate::schema;

/// What SQL holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct InSql {
    /// `null` when it is deleted: its campaign was pruned, after the intent was closed.
    pub(super) intent: Option<IntentSummary>,
    /// `null` when the intent or the audience is not there any more.
    pub(super) users: Option<UserCounts>,
}

/// The promise that Datastore will follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct IntentSummary {
    /// How far it is.
    #[schema(value_type = schema::IntentState)]
    pub(super) state: &'static str,
    /// How often its repair was tried, since it was last opened.
    pub(super) attempts: u32,
    /// When reconcile next looks at it, if it is open.
    pub(super) due_at: DateTime<Utc>,
    /// Why the last repair failed.
    pub(super) last_error: Option<String>,
    /// When SQL committed it, with the grants.
    pub(super) created_at: DateTime<Utc>,
    /// When it was closed or given up.
    pub(super) closed_at: Option<DateTime<Utc>>,
}

/// The users whose pushes the intent names, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct UserCounts {
    /// They have the coupon.
    pub(super) granted: u64,
    /// They were erased; whose grants are theirs cannot be told any more.
    pub(super) erased: u64,
    /// They have no coupon, which cannot be: a fault, or somebody else's hands.
    pub(super) without: u64,
}

impl InSql {
    /// Reads it. `intent` is the one of the inconsistency, if it is there.
    pub(super) async fn read(backends: &Backends, row: &Row) -> Result<(Self, Option<Intent>), Error> {
        let intent = intent::find(&backends.db, row.intent_id).await?;
        let users = match &intent {
            Some(intent) => count_users(backends, intent).await?,
            None => None,
        };
        let in_sql = Self {
            intent: intent.as_ref().map(IntentSummary::of),
            users,
        };
        Ok((in_sql, intent))
    }
}

impl IntentSummary {
    fn of(intent: &Intent) -> Self {
        Self {
            state: intent.state.as_str(),
            attempts: intent.attempts,
            due_at: intent.due_at,
            last_error: intent.last_error.clone(),
            created_at: intent.created_at,
            closed_at: intent.closed_at,
        }
    }
}

async fn count_users(backends: &Backends, intent: &Intent) -> Result<Option<UserCounts>, Error> {
    let Some(recipients) = recipients(backends, intent.campaign_id, intent.chunk_no).await? else {
        return Ok(None);
    };
    let places = Places::from_bytes(intent.users);
    let named = (0..)
        .zip(&recipients)
        .filter(|(place, _)| places.contains(*place));
    let (users, erased): (Vec<_>, Vec<_>) = named.map(|(_, user)| user).partition(|user| user.is_some());
    let users: Vec<_> = users.iter().filter_map(|user| user.as_deref()).collect();
    let granted = coupon_grant::list_granted_among(&backends.db, intent.campaign_id, &users).await?;
    Ok(Some(UserCounts {
        granted: granted.len() as u64,
        erased: erased.len() as u64,
        without: (users.len() - granted.len()) as u64,
    }))
}

/// The users of a chunk by place, `None` for an erased one; nothing if the audience is deleted.
async fn recipients(
    backends: &Backends,
    campaign: CampaignId,
    chunk_no: u32,
) -> Result<Option<Vec<Option<String>>>, Error> {
    let campaign = database::campaign::find(&backends.db, campaign).await?;
    let Some(audience) = campaign.and_then(|campaign| campaign.plan.audience_id) else {
        return Ok(None);
    };
    let Some(chunk) = audience_chunk::find(&backends.db, audience, chunk_no).await? else {
        return Ok(None);
    };
    let unpacked = audience::Unpacked::open(&chunk.recipients)
        .map_err(|error| Error::Fault(format!("a chunk of an audience: {error}")))?;
    let users = unpacked
        .iter()
        .map(|recipient| recipient.map(|recipient| recipient.user_id.to_owned()));
    Ok(Some(users.collect()))
}
