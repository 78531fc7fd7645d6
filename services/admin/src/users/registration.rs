//! What is registered: an address, whose it is, and for whom there is room.
//!
//! Who was erased and registers an address has come back. A user has at most 100, whichever way
//! they came.

use chrono::{DateTime, Utc};
use database::Tx;
use database::device::{self, DeviceKind, Registration};
use provider::web_push::Endpoints;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::address::{self, Checked};
use super::erasure::welcome_back;
use crate::error::Error;

/// Why no more addresses are taken.
pub(super) const TOO_MANY: &str = "a user has at most 100 addresses; remove some first";

/// Users asked about in one statement.
const USERS_AT_ONCE: usize = 499;

/// An address to be registered.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDevice {
    /// Which gateway it belongs to.
    pub(super) kind: Kind,
    /// The gateway's name for the device: a token, an installation id, or a subscription's endpoint.
    #[schema(min_length = 1, max_length = 4096)]
    pub(super) address: String,
    /// What the gateway needs besides. APNs: `topic` and `environment`, both optional. Web Push:
    /// the subscription's `p256dh` and `auth`.
    pub(super) extra: Option<Map<String, Value>>,
    /// When it ends by itself, as a subscription says of itself.
    pub(super) expires_at: Option<DateTime<Utc>>,
}

/// Which gateway an address belongs to, and which kind of address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeviceKind)]
pub(super) enum Kind {
    /// A registration token of Firebase Cloud Messaging.
    FcmToken,
    /// A Firebase installation id.
    FcmFid,
    /// A device token of the Apple Push Notification service.
    Apns,
    /// A subscription's endpoint URL.
    WebPush,
}

impl From<Kind> for DeviceKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::FcmToken => Self::FcmToken,
            Kind::FcmFid => Self::FcmFid,
            Kind::Apns => Self::Apns,
            Kind::WebPush => Self::WebPush,
        }
    }
}

impl NewDevice {
    /// The registration for that user; `place` is its path in the request, with a dot behind it.
    pub(super) fn of_user(
        self,
        user_id: String,
        place: &str,
        endpoints: &Endpoints,
    ) -> Result<Registration, Error> {
        let Self {
            kind,
            address,
            extra,
            expires_at,
        } = self;
        let checked = address::check(kind, address, extra, endpoints);
        let Checked { address, extra } =
            checked.map_err(|(field, rule)| Error::invalid(format!("{place}{field}"), rule))?;
        Ok(Registration {
            user_id,
            kind: kind.into(),
            address,
            extra,
            expires_at,
        })
    }
}

/// Registers addresses. `places` are their paths in the request, each with a dot behind it.
pub(super) async fn register_all(
    tx: &mut Tx,
    registrations: &[Registration],
    places: &[String],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let users: Vec<_> = registrations
        .iter()
        .map(|device| device.user_id.as_str())
        .collect();
    let field = |user: String| {
        let last = users.iter().rposition(|other| *other == user);
        format!("{}user_id", last.map_or("", |last| &places[last]))
    };
    for some in users.chunks(USERS_AT_ONCE) {
        if let Some(user) = welcome_back(tx, some).await? {
            return Err(Error::BeingErased { field: field(user) });
        }
    }
    device::register(&mut *tx, registrations, now).await?;
    for some in users.chunks(USERS_AT_ONCE) {
        if let Some(user) = device::find_crowded(&mut *tx, some).await? {
            return Err(Error::invalid(field(user), TOO_MANY));
        }
    }
    Ok(())
}
