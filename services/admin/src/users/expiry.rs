//! `/v1/devices/expire`: addresses that are known to be gone, of many users at once.
//!
//! For whoever hears of it elsewhere, as an app's own server does, and for lists kept before.

use axum::extract::State;
use axum::response::Response;
use database::Tx;
use database::device::{self, DeviceKind};
use runtime::Backends;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bulk::MAX_DEVICES;
use super::registration::Kind;
use crate::answer::Done;
use crate::error::Error;
use crate::request::Body;
use crate::transaction::conclude;

/// Addresses of one statement.
const AT_ONCE: usize = 499;

/// The route of addresses that are gone.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(expire))
}

/// An address, whosever it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Address {
    /// Which gateway it belongs to.
    kind: Kind,
    /// The gateway's name for the device.
    #[schema(min_length = 1, max_length = 4096)]
    address: String,
}

/// How many addresses were removed.
#[derive(Debug, Serialize, ToSchema)]
struct Expired {
    removed: u64,
}

/// Remove up to 10,000 addresses, whosever they are. One that is not there is none, so a repeat
/// does nothing.
#[utoipa::path(
    post, path = "/v1/devices/expire", tag = "users", operation_id = "expire_devices",
    request_body = Vec<Address>,
    responses((status = 200, description = "They are removed", body = Expired))
)]
async fn expire(State(backends): State<Backends>, body: Body<Vec<Address>>) -> Result<Response, Error> {
    if body.content.is_empty() || body.content.len() > MAX_DEVICES {
        return Err(Error::invalid("body", "must have 1 to 10000 addresses"));
    }
    let mut addresses = body.content;
    for address in &mut addresses {
        // As they are registered.
        if address.kind == Kind::Apns {
            address.address.make_ascii_lowercase();
        }
    }
    let mut tx = backends.db.begin().await?;
    let removed = expire_in(&mut tx, &addresses).await;
    let removed = conclude(tx, removed).await?;
    Ok(Done::Ok.with(Expired { removed }))
}

async fn expire_in(tx: &mut Tx, addresses: &[Address]) -> Result<u64, Error> {
    let mut removed = 0;
    for some in addresses.chunks(AT_ONCE) {
        let some = some
            .iter()
            .map(|Address { kind, address }| (DeviceKind::from(*kind), address.as_str()))
            .collect::<Vec<_>>();
        removed += device::expire(&mut *tx, &some).await?;
    }
    Ok(removed)
}
