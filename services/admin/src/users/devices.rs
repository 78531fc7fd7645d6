//! The addresses of one user.
//!
//! An address belongs to one user: registering it moves it there, and a repeat changes nothing
//! but the time. A user has at most 100.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::device::{self, DeviceKind, Registration};
use database::{Change, Tx};
use runtime::Backends;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::erasure::welcome_back;
use crate::answer::{Done, nothing};
use crate::error::Error;
use crate::once::{Begun, Incoming, KeyHeader};
use crate::openapi::{Conflicting, Missing, Unaccepted, Unreadable};
use crate::request::{Body, Segments};
use crate::transaction::conclude;
use crate::user_id::UserId;

/// The most addresses of a user.
const MAX_DEVICES: usize = 100;

/// The longest address, in bytes; a gateway's own are far shorter.
const MAX_ADDRESS_BYTES: usize = 4_096;

/// The routes of devices.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new()
        .routes(routes!(list, register, replace, remove_all))
        .routes(routes!(remove))
}

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

/// An address of a user.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Device {
    /// Stays with the address.
    id: Uuid,
    /// Which gateway it belongs to.
    #[schema(value_type = Kind)]
    kind: &'static str,
    /// The gateway's name for the device.
    address: String,
    /// What the gateway needs besides.
    extra: Option<Value>,
    /// When it was registered last.
    registered_at: DateTime<Utc>,
}

/// The addresses of a user.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Devices {
    items: Vec<Device>,
}

impl NewDevice {
    /// Checks it; `field` is the path of its address.
    pub(super) fn check(&self, field: &str) -> Result<(), Error> {
        let address = &self.address;
        let plain = !address.chars().any(|c| c.is_control() || c.is_whitespace());
        if address.is_empty() || address.len() > MAX_ADDRESS_BYTES || !plain {
            return Err(Error::invalid(
                field,
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

impl Device {
    fn of(row: device::Device) -> Result<Self, Error> {
        let extra = row.registration.extra.as_deref().map(serde_json::from_str);
        Ok(Self {
            id: row.id,
            kind: row.registration.kind.as_str(),
            address: row.registration.address,
            extra: extra
                .transpose()
                .map_err(|error| Error::Fault(error.to_string()))?,
            registered_at: row.registered_at,
        })
    }
}

/// List a user's addresses.
#[utoipa::path(
    get, path = "/v1/users/{user_id}/devices", tag = "users", operation_id = "list_devices",
    params(("user_id" = String, Path)),
    responses((status = 200, description = "All of them", body = Devices), (status = 422, response = Unaccepted))
)]
async fn list(State(backends): State<Backends>, Segments(user): Segments<UserId>) -> Result<Response, Error> {
    let rows = device::list_by_user(&backends.db, user.as_str()).await?;
    Ok(Done::Ok.with(devices(rows)?))
}

/// Register an address. It is taken from whoever had it.
#[utoipa::path(
    post, path = "/v1/users/{user_id}/devices", tag = "users", operation_id = "register_device",
    params(("user_id" = String, Path), KeyHeader), request_body = NewDevice,
    responses(
        (status = 201, description = "It is the user's", body = Device),
        (status = 400, response = Unreadable),
        (status = 409, response = Conflicting),
        (status = 422, response = Unaccepted),
    )
)]
async fn register(
    State(backends): State<Backends>,
    Segments(user): Segments<UserId>,
    incoming: Incoming,
    body: Body<NewDevice>,
) -> Result<Response, Error> {
    body.content.check("address")?;
    let once = incoming.with_body("POST /v1/users/{user_id}/devices", &body.bytes);
    let mut tx = match once.begin(&backends.db).await? {
        Begun::New(tx) => tx,
        Begun::Answered(answer) => return Ok(answer),
    };
    let registration = body.content.of_user(user.into_string());
    let registered = register_in(&mut tx, registration, backends.process.clock.now()).await;
    once.conclude(&backends, tx, registered, Done::Created).await
}

async fn register_in(tx: &mut Tx, registration: Registration, now: DateTime<Utc>) -> Result<Device, Error> {
    welcome_back(tx, &[&registration.user_id]).await?;
    device::register(tx, std::slice::from_ref(&registration), now).await?;
    let rows = device::list_by_user(tx, &registration.user_id).await?;
    // The list ends at the most addresses that a user has: one that is not on it is too many.
    let registered = rows.into_iter().find(|row| {
        row.registration.kind == registration.kind && row.registration.address == registration.address
    });
    registered
        .ok_or_else(|| Error::invalid("user_id", "has 100 addresses; remove some first"))
        .and_then(Device::of)
}

/// Make these the only addresses that a user has.
#[utoipa::path(
    put, path = "/v1/users/{user_id}/devices", tag = "users", operation_id = "replace_devices",
    params(("user_id" = String, Path)), request_body = Vec<NewDevice>,
    responses(
        (status = 200, description = "They are", body = Devices),
        (status = 400, response = Unreadable),
        (status = 409, response = Conflicting),
        (status = 422, response = Unaccepted),
    )
)]
async fn replace(
    State(backends): State<Backends>,
    Segments(user): Segments<UserId>,
    body: Body<Vec<NewDevice>>,
) -> Result<Response, Error> {
    if body.content.len() > MAX_DEVICES {
        return Err(Error::invalid("body", "must have at most 100 addresses"));
    }
    for (position, device) in body.content.iter().enumerate() {
        device.check(&format!("[{position}].address"))?;
    }
    let registrations: Vec<_> = body
        .content
        .into_iter()
        .map(|device| device.of_user(user.as_str().to_owned()))
        .collect();
    let mut tx = backends.db.begin().await?;
    let replaced = replace_in(&mut tx, &user, &registrations, backends.process.clock.now()).await;
    Ok(Done::Ok.with(conclude(tx, replaced).await?))
}

async fn replace_in(
    tx: &mut Tx,
    user: &UserId,
    registrations: &[Registration],
    now: DateTime<Utc>,
) -> Result<Devices, Error> {
    welcome_back(tx, &[user.as_str()]).await?;
    device::replace(tx, user.as_str(), registrations, now).await?;
    devices(device::list_by_user(tx, user.as_str()).await?)
}

/// Remove every address of a user. A repeat does nothing.
#[utoipa::path(
    delete, path = "/v1/users/{user_id}/devices", tag = "users", operation_id = "remove_devices",
    params(("user_id" = String, Path)),
    responses((status = 204, description = "There is none left"), (status = 422, response = Unaccepted))
)]
async fn remove_all(
    State(backends): State<Backends>,
    Segments(user): Segments<UserId>,
) -> Result<Response, Error> {
    let mut tx = backends.db.begin().await?;
    let removed = device::remove_user(&mut tx, user.as_str()).await;
    conclude(tx, removed.map_err(Error::from)).await?;
    Ok(nothing())
}

/// Remove one address of a user.
#[utoipa::path(
    delete, path = "/v1/users/{user_id}/devices/{id}", tag = "users", operation_id = "remove_device",
    params(("user_id" = String, Path), ("id" = Uuid, Path)),
    responses(
        (status = 204, description = "It is removed"),
        (status = 404, response = Missing),
        (status = 422, response = Unaccepted),
    )
)]
async fn remove(
    State(backends): State<Backends>,
    Segments((user, id)): Segments<(UserId, Uuid)>,
) -> Result<Response, Error> {
    let mut tx = backends.db.begin().await?;
    let removed = remove_in(&mut tx, &user, id).await;
    conclude(tx, removed).await?;
    Ok(nothing())
}

async fn remove_in(tx: &mut Tx, user: &UserId, id: Uuid) -> Result<(), Error> {
    let rows = device::list_by_user(&mut *tx, user.as_str()).await?;
    let missing = Error::NotFound { what: "device" };
    let Some(row) = rows.into_iter().find(|row| row.id == id) else {
        return Err(missing);
    };
    let Registration { kind, address, .. } = row.registration;
    match device::remove(tx, user.as_str(), kind, &address).await? {
        Change::Applied => Ok(()),
        Change::Stale => Err(missing),
    }
}

fn devices(rows: Vec<device::Device>) -> Result<Devices, Error> {
    Ok(Devices {
        items: rows.into_iter().map(Device::of).collect::<Result<_, _>>()?,
    })
}
