//! The addresses of one user.
//!
//! An address belongs to one user: registering it moves it there, and a repeat changes nothing
//! but the time. A user has at most 100.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::device::{self, Registration};
use database::{Change, Tx};
use runtime::Backends;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::address::endpoints;
use super::erasure::welcome_back;
use super::registration::{Kind, NewDevice, TOO_MANY, register_all};
use crate::answer::{Done, nothing};
use crate::error::Error;
use crate::json;
use crate::once::{Incoming, KeyHeader};
use crate::openapi::Conflicting;
use crate::request::{Body, Segments};
use crate::transaction::conclude;
use crate::user_id::UserId;

/// The routes of devices.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new()
        .routes(routes!(list, register, replace, remove_all))
        .routes(routes!(remove))
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
    /// When it ends by itself, if it does.
    expires_at: Option<DateTime<Utc>>,
    /// Since when its gateway calls it wrong. It is not sent to until it is registered again.
    quarantined_at: Option<DateTime<Utc>>,
}

/// The addresses of a user.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Devices {
    items: Vec<Device>,
}

impl Device {
    fn of(row: device::Device) -> Result<Self, Error> {
        let extra = row.registration.extra.as_deref();
        let extra = extra.map(|extra| json::read("what stands beside an address", extra));
        Ok(Self {
            id: row.id,
            kind: row.registration.kind.as_str(),
            address: row.registration.address,
            extra: extra.transpose()?,
            registered_at: row.registered_at,
            expires_at: row.registration.expires_at,
            quarantined_at: row.quarantined_at,
        })
    }
}

/// List a user's addresses.
#[utoipa::path(
    get, path = "/v1/users/{user_id}/devices", tag = "users", operation_id = "list_devices",
    params(("user_id" = String, Path)),
    responses((status = 200, description = "All of them", body = Devices))
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
        (status = 409, response = Conflicting),
    )
)]
async fn register(
    State(backends): State<Backends>,
    Segments(user): Segments<UserId>,
    incoming: Incoming,
    body: Body<NewDevice>,
) -> Result<Response, Error> {
    let registration = body
        .content
        .of_user(user.into_string(), "", endpoints(&backends))?;
    let once = incoming.with_body(&body.bytes);
    let mut tx = once.begin(&backends.db).await?;
    let registered = register_in(&mut tx, registration, backends.process.clock.now()).await;
    once.conclude(&backends, tx, registered, Done::Created).await
}

async fn register_in(tx: &mut Tx, registration: Registration, now: DateTime<Utc>) -> Result<Device, Error> {
    register_all(tx, std::slice::from_ref(&registration), &[String::new()], now).await?;
    let row = device::find(tx, registration.kind, &registration.address).await?;
    Device::of(row.ok_or_else(|| Error::Fault("a registered address is not there".to_owned()))?)
}

/// Make these the only addresses that a user has.
#[utoipa::path(
    put, path = "/v1/users/{user_id}/devices", tag = "users", operation_id = "replace_devices",
    params(("user_id" = String, Path)), request_body = Vec<NewDevice>,
    responses(
        (status = 200, description = "They are", body = Devices),
        (status = 409, response = Conflicting),
    )
)]
async fn replace(
    State(backends): State<Backends>,
    Segments(user): Segments<UserId>,
    body: Body<Vec<NewDevice>>,
) -> Result<Response, Error> {
    if body.content.len() > device::MAX_PER_USER as usize {
        return Err(Error::invalid("body", TOO_MANY));
    }
    let devices = body.content.into_iter().enumerate();
    let registrations = devices
        .map(|(position, device)| {
            let place = format!("[{position}].");
            device.of_user(user.as_str().to_owned(), &place, endpoints(&backends))
        })
        .collect::<Result<Vec<_>, _>>()?;
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
    if welcome_back(tx, &[user.as_str()]).await?.is_some() {
        let field = "user_id".to_owned();
        return Err(Error::BeingErased { field });
    }
    device::replace(&mut *tx, user.as_str(), registrations, now).await?;
    devices(device::list_by_user(tx, user.as_str()).await?)
}

/// Remove every address of a user. A repeat does nothing.
#[utoipa::path(
    delete, path = "/v1/users/{user_id}/devices", tag = "users", operation_id = "remove_devices",
    params(("user_id" = String, Path)),
    responses((status = 204, description = "There is none left"))
)]
async fn remove_all(
    State(backends): State<Backends>,
    Segments(user): Segments<UserId>,
) -> Result<Response, Error> {
    let mut tx = backends.db.begin().await?;
    let removed = device::remove_user(&mut tx, user.as_str()).await;
    conclude(tx, removed).await?;
    Ok(nothing())
}

/// Remove one address of a user.
#[utoipa::path(
    delete, path = "/v1/users/{user_id}/devices/{id}", tag = "users", operation_id = "remove_device",
    params(("user_id" = String, Path), ("id" = Uuid, Path)),
    responses((status = 204, description = "It is removed"))
)]
async fn remove(
    State(backends): State<Backends>,
    Segments((user, id)): Segments<(UserId, Uuid)>,
) -> Result<Response, Error> {
    let mut tx = backends.db.begin().await?;
    let removed = device::remove(&mut tx, user.as_str(), id).await;
    match conclude(tx, removed).await? {
        Change::Applied => Ok(nothing()),
        Change::Stale => Err(Error::NotFound { what: "device" }),
    }
}

fn devices(rows: Vec<device::Device>) -> Result<Devices, Error> {
    Ok(Devices {
        items: rows.into_iter().map(Device::of).collect::<Result<_, _>>()?,
    })
}
