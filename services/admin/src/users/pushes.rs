//! What a user got: pushes of all campaigns, from Datastore.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use campaign::{CampaignId, CampaignState, Reason};
use chrono::{DateTime, Utc};
use push_store::Push;
use runtime::Backends;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::Done;
use crate::error::Error;
use crate::request::Segments;
use crate::schema;
use crate::user_id::UserId;

/// Pushes that are asked for: their index has no order, so a page would be any page.
const MOST: u16 = 500;

/// The route of push history.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(history))
}

/// One campaign's push to the user.
#[derive(Debug, Serialize, ToSchema)]
struct UserPush {
    campaign_id: Uuid,
    /// Where the push is. What is not settled in a cancelled or failed campaign is cancelled.
    #[schema(value_type = schema::PushState)]
    state: &'static str,
    /// Why, if that is final.
    #[schema(value_type = Option<schema::PushReason>)]
    reason: Option<&'static str>,
    /// When it became final; `null` for one that only reads as cancelled.
    settled_at: Option<DateTime<Utc>>,
}

/// The pushes of a user.
#[derive(Debug, Serialize, ToSchema)]
struct PushHistory {
    /// Newest campaign first.
    items: Vec<UserPush>,
    /// Whether the user has more than are listed; any 500 are.
    truncated: bool,
}

/// List a user's pushes, newest campaign first; at most 500.
#[utoipa::path(
    get, path = "/v1/users/{user_id}/pushes", tag = "users", operation_id = "list_user_pushes",
    params(("user_id" = String, Path)),
    responses((status = 200, description = "The pushes", body = PushHistory))
)]
async fn history(
    State(backends): State<Backends>,
    Segments(user): Segments<UserId>,
) -> Result<Response, Error> {
    let mut pushes = backends.push_store.list_by_user(user.as_str(), MOST + 1).await?;
    let truncated = pushes.len() > MOST.into();
    pushes.truncate(MOST.into());
    pushes.sort_unstable_by_key(|push| std::cmp::Reverse(push.campaign));
    let campaigns = pushes.iter().map(|push| push.campaign);
    let states = database::campaign::list_states(&backends.db, campaigns).await?;
    let items = pushes.into_iter().map(|push| of(push, &states)).collect();
    Ok(Done::Ok.with(PushHistory { items, truncated }))
}

fn of(push: Push, states: &HashMap<CampaignId, CampaignState>) -> UserPush {
    let standing = match states.get(&push.campaign) {
        Some(state) => push.standing.read_in(*state),
        None => push.standing,
    };
    UserPush {
        campaign_id: push.campaign.0,
        state: standing.state().as_str(),
        reason: standing.reason().map(Reason::as_str),
        settled_at: push.settled_at,
    }
}
