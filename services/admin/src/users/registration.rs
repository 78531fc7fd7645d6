//! What is registered: an address, whose it is, and for whom there is room.
//!
//! Who was erased and registers an address has come back. A user has at most 100, whichever way
//! they came.

use chrono::{DateTime, Utc};
use database::Tx;
use database::device::{self, DeviceKind, Registration};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::erasure::welcome_back;
use crate::error::Error;

/// Why no more addresses are taken.
pub(super) const TOO_MANY: &str = "a user has at most 100 addresses; remove some first";

/// Users asked about in one statement.
const USERS_AT_ONCE: usize = 499;

/// The longest address, in bytes; a gateway's own are far shorter.
const MAX_ADDRESS_BYTES: usize = 4_096;

/// An address to be registered.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDevice {
    /// Which gateway it belongs to.
    pub(super) kind: Kind,
    /// The gateway's name for the device.
    #[schema(min_length = 1, max_length = 4096)]
    pub(super) address: String,
    /// What the gateway needs besides, such as keys.
    pub(super) extra: Option<Map<String, Value>>,
}

/// Which gateway an address belongs to, and which kind of address it is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
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
    /// Checks it; `place` is its path in the request, with a dot behind it.
    pub(super) fn check(&self, place: &str) -> Result<(), Error> {
        let address = &self.address;
        let plain = !address.chars().any(|c| c.is_control() || c.is_whitespace());
        if address.is_empty() || address.len() > MAX_ADDRESS_BYTES || !plain {
            return Err(Error::invalid(
                format!("{place}address"),
                "must be 1 to 4096 bytes without white space and control characters",
            ));
        }
        Ok(())
    }

    /// As the database takes it.
    pub(super) fn of_user(self, user_id: String) -> Registration {
        Registration {
            user_id,
            kind: self.kind.into(),
            address: self.address,
            extra: self.extra.map(|extra| Value::Object(extra).to_string()),
        }
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
