//! `/v1/pushes`: single pushes, as events happen.
//!
//! Each belongs to a running campaign of kind `triggered`. It is carried out once for each
//! idempotency key, without a row in SQL: its id comes from the key, and its marker in Datastore
//! holds the request's hash.

mod plan;
mod view;

use axum::extract::State;
use axum::response::Response;
use campaign::{CampaignId, CampaignState, ChunkId, PushId};
use database::campaign::Kind;
use database::erasure;
use push_store::{Chunk, Error as StoreError, Expansion, NewTriggered};
use runtime::Backends;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::Done;
use crate::error::Error;
use crate::once::{Identity, Incoming, RequiredKeyHeader};
use crate::openapi::Conflicting;
use crate::request::{Body, Segments};
use plan::TriggeredPlan;
use view::TriggeredPush;

/// Tries to make a push while other transactions are in the way.
const TRIES: u32 = 5;

/// The routes of single pushes.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(get))
}

/// Send a push to one user.
///
/// It is delivered at once, or when it is to be, with what the campaign says or with a message of
/// its own. The same request under the same key is one push; another one under it is refused.
#[utoipa::path(
    post, path = "/v1/pushes", tag = "pushes", operation_id = "create_push",
    params(RequiredKeyHeader), request_body = TriggeredPlan,
    responses(
        (status = 202, description = "It is accepted", body = TriggeredPush),
        (status = 409, response = Conflicting),
    )
)]
async fn create(
    State(backends): State<Backends>,
    incoming: Incoming,
    body: Body<TriggeredPlan>,
) -> Result<Response, Error> {
    let now = backends.process.clock.now();
    let identity = incoming.with_body(&body.bytes).identity()?;
    let plan = body.content;
    let campaign = find_campaign(&backends, plan.campaign()).await?;
    let id = PushId::of_triggered(campaign.id, &identity.key());
    if campaign.state.is_final() {
        // A repeat of what was accepted before its end is answered as it was then.
        let known = backends.push_store.find_chunk(ChunkId::of_triggered(id)).await?;
        return match known {
            Some(chunk) => accepted(&backends, check(chunk, &identity)?, campaign.state).await,
            None => Err(Error::NotRunning(campaign.state)),
        };
    }
    match campaign.state {
        CampaignState::Running | CampaignState::Paused => {}
        other => return Err(Error::NotRunning(other)),
    }
    let user = plan.user().to_owned();
    let new = plan.resolve(&campaign, id, identity.request, now)?;
    if !erasure::list_erased_among(&backends.db, &[&user])
        .await?
        .is_empty()
    {
        return Err(Error::BeingErased {
            field: "user_id".to_owned(),
        });
    }
    fault_points::reach!(
        PushResolved,
        Err(database::Error::unreachable(fault_points::Injected).into())
    );
    match trigger(&backends, new).await? {
        Expansion::Expanded(chunk) => {
            fault_points::reach!(
                PushStored,
                Err(database::Error::unreachable(fault_points::Injected).into())
            );
            backends.nudges.dispatch.fast.nudge();
            accepted(&backends, *chunk, campaign.state).await
        }
        Expansion::DigestDiffers => Err(Error::KeyReused),
    }
}

async fn trigger(backends: &Backends, new: NewTriggered) -> Result<Expansion, Error> {
    let now = backends.process.clock.now();
    let mut tries = 1;
    loop {
        match backends.push_store.trigger(new.clone(), now).await {
            Err(StoreError::Conflict(_)) if tries < TRIES => tries += 1,
            ended => return Ok(ended?),
        }
    }
}

/// The chunk, if it was made by this request.
fn check(chunk: Chunk, identity: &Identity) -> Result<Chunk, Error> {
    if chunk.digest == identity.request {
        Ok(chunk)
    } else {
        Err(Error::KeyReused)
    }
}

async fn accepted(backends: &Backends, chunk: Chunk, state: CampaignState) -> Result<Response, Error> {
    let push = TriggeredPush::read(backends, chunk, state).await?;
    Ok(Done::Accepted.with(push))
}

/// Show a single push.
#[utoipa::path(
    get, path = "/v1/pushes/{id}", tag = "pushes", operation_id = "get_push",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The push", body = TriggeredPush))
)]
async fn get(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let missing = Error::NotFound { what: "push" };
    let chunk = backends
        .push_store
        .find_chunk(ChunkId::of_triggered(PushId(id)))
        .await?;
    let Some(chunk) = chunk.filter(|chunk| chunk.accepted_at.is_some()) else {
        return Err(missing);
    };
    let campaign = database::campaign::find(&backends.db, chunk.campaign).await?;
    let campaign = campaign.ok_or(missing)?;
    Ok(Done::Ok.with(TriggeredPush::read(&backends, chunk, campaign.state).await?))
}

async fn find_campaign(backends: &Backends, id: CampaignId) -> Result<database::campaign::Campaign, Error> {
    let campaign = database::campaign::find(&backends.db, id).await?;
    match campaign {
        Some(campaign) if campaign.kind == Kind::Triggered => Ok(campaign),
        Some(_) => Err(Error::invalid("campaign_id", "is not of kind `triggered`")),
        None => Err(Error::invalid("campaign_id", "there is no such campaign")),
    }
}
