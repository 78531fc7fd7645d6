//! The pushes of a campaign, one by one, from Datastore.

use axum::extract::State;
use axum::response::Response;
use campaign::{CampaignId, CampaignState, ChunkId, Reason};
use chrono::{DateTime, Utc};
use push_store::Push;
use runtime::Backends;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::find_row;
use crate::answer::Done;
use crate::error::Error;
use crate::page::{List, Page, PageParameters};
use crate::request::{Parameters, Segments};
use crate::schema;

/// Chunks that one request reads at most: those that have no pushes yet fill no page.
const CHUNKS_AT_ONCE: u32 = 16;

/// The route of recipients.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(recipients))
}

/// One recipient of a campaign, and where the push stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recipient {
    /// `null` for a user who was erased.
    user_id: Option<String>,
    /// Where the push is. What is not settled in a cancelled or failed campaign is cancelled.
    #[schema(value_type = schema::PushState)]
    state: &'static str,
    /// Why, if that is final.
    #[schema(value_type = Option<schema::PushReason>)]
    reason: Option<&'static str>,
    /// When it became final; `null` for one that only reads as cancelled.
    settled_at: Option<DateTime<Utc>>,
    /// The chunk that holds it.
    chunk_no: u32,
}

impl Recipient {
    fn of(push: Push, chunk_no: u32, campaign: CampaignState) -> Self {
        let standing = push.standing.read_in(campaign);
        Self {
            user_id: push.user,
            state: standing.state().as_str(),
            reason: standing.reason().map(Reason::as_str),
            settled_at: push.settled_at,
            chunk_no,
        }
    }
}

/// List a campaign's recipients, chunk by chunk, as far as they have pushes.
///
/// A page may have fewer items than asked for, or none, and yet be followed by another.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}/recipients", tag = "campaigns", operation_id = "list_recipients",
    params(("id" = Uuid, Path), PageParameters),
    responses((status = 200, description = "A page", body = Page<Recipient>))
)]
async fn recipients(
    State(backends): State<Backends>,
    Segments(id): Segments<Uuid>,
    Parameters(page): Parameters<PageParameters>,
) -> Result<Response, Error> {
    let limit = page.limit()?;
    let from = List::Recipients.read(page.cursor.as_deref())?;
    let from = from.map_or(Place::default(), Place::from_bytes);
    let campaign = find_row(&backends.db, CampaignId(id)).await?;
    let mut items = Vec::new();
    let mut at = from;
    while at.chunk_no < campaign.chunk_count
        && at.chunk_no - from.chunk_no < CHUNKS_AT_ONCE
        && items.len() < limit as usize
    {
        let pushes = backends
            .push_store
            .list_pushes(ChunkId::of(campaign.id, at.chunk_no))
            .await?;
        let left = limit as usize - items.len();
        let mut here = pushes
            .into_iter()
            .filter(|push| push.place >= at.place)
            .peekable();
        let taken = here.by_ref().take(left);
        items.extend(taken.map(|push| Recipient::of(push, at.chunk_no, campaign.state)));
        at = match here.peek() {
            Some(next) => Place {
                place: next.place,
                ..at
            },
            None => Place {
                chunk_no: at.chunk_no + 1,
                place: 0,
            },
        };
    }
    let more = at.chunk_no < campaign.chunk_count;
    Ok(Done::Ok.with(Page {
        items,
        next_cursor: more.then(|| List::Recipients.cursor(&at.to_bytes())),
    }))
}

/// Where a page goes on.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    chunk_no: u32,
    place: u16,
}

impl Place {
    fn from_bytes(bytes: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = bytes;
        Self {
            chunk_no: u32::from_be_bytes([a, b, c, d]),
            place: u16::from_be_bytes([e, f]),
        }
    }

    fn to_bytes(self) -> [u8; 6] {
        let [a, b, c, d] = self.chunk_no.to_be_bytes();
        let [e, f] = self.place.to_be_bytes();
        [a, b, c, d, e, f]
    }
}
