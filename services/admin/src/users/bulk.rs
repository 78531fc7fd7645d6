//! `/v1/devices`: addresses of many users at once.

use axum::extract::{Request, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::device::Registration;
use provider::web_push::Endpoints;
use runtime::Backends;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::address::endpoints;
use super::registration::{Kind, NewDevice, register_all};
use crate::answer::Done;
use crate::error::Error;
use crate::once::{Incoming, KeyHeader};
use crate::openapi::Conflicting;
use crate::request::{has_media_type, parse_json, read_all};
use crate::user_id::UserId;

/// The most addresses of one request.
pub(super) const MAX_DEVICES: usize = 10_000;

const NDJSON: &str = "application/x-ndjson";

/// The route of many devices.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(register))
}

/// An address and whose it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserDevice {
    /// Whose it is from now on.
    #[schema(value_type = String, min_length = 1, max_length = 128)]
    user_id: UserId,
    /// Which gateway it belongs to.
    kind: Kind,
    /// The gateway's name for the device.
    #[schema(min_length = 1, max_length = 4096)]
    address: String,
    /// What the gateway needs besides. APNs: `topic` and `environment`, both optional. Web Push:
    /// the subscription's `p256dh` and `auth`.
    extra: Option<Map<String, Value>>,
    /// When it ends by itself, as a subscription says of itself.
    expires_at: Option<DateTime<Utc>>,
}

/// How many addresses were registered.
#[derive(Debug, Serialize, ToSchema)]
struct Registered {
    registered: usize,
}

/// Register up to 10,000 addresses, all or none.
///
/// A JSON array, or one JSON object a line. Of an address that is there twice, the later counts.
#[utoipa::path(
    post, path = "/v1/devices", tag = "users", operation_id = "register_devices",
    params(KeyHeader),
    request_body(
        description = "The addresses",
        content((Vec<UserDevice> = "application/json"), (UserDevice = "application/x-ndjson"))
    ),
    responses(
        (status = 200, description = "They are registered", body = Registered),
        (status = 409, response = Conflicting),
    )
)]
async fn register(
    State(backends): State<Backends>,
    incoming: Incoming,
    request: Request,
) -> Result<Response, Error> {
    let is_lines = has_media_type(request.headers(), NDJSON);
    if !is_lines && !has_media_type(request.headers(), "application/json") {
        return Err(Error::MediaType {
            expected: "application/json or application/x-ndjson",
        });
    }
    let bytes = read_all(request, &backends).await?;
    let devices = if is_lines {
        parse_lines(&bytes)?
    } else {
        parse_array(&bytes)?
    };
    let (places, registrations) = check(devices, endpoints(&backends))?;
    let once = incoming.with_body(&bytes);
    let mut tx = once.begin(&backends.db).await?;
    let registered = register_all(&mut tx, &registrations, &places, backends.process.clock.now()).await;
    let registered = registered.map(|()| Registered {
        registered: registrations.len(),
    });
    once.conclude(&backends, tx, registered, Done::Ok).await
}

/// The addresses, each with its path in the body.
type Placed = Vec<(String, UserDevice)>;

fn parse_array(bytes: &[u8]) -> Result<Placed, Error> {
    let devices = parse_json::<Vec<UserDevice>>(bytes)?.into_iter().enumerate();
    Ok(devices.map(|(no, device)| (format!("[{no}]."), device)).collect())
}

/// One object a line; blank lines are none. A fault names its line.
fn parse_lines(bytes: &[u8]) -> Result<Placed, Error> {
    let lines = bytes.split(|byte| *byte == b'\n').zip(1..);
    let lines = lines.filter(|(line, _)| !line.trim_ascii().is_empty());
    let devices = lines.map(|(line, no)| match parse_json(line) {
        Ok(device) => Ok((format!("line {no}: "), device)),
        Err(error) => Err(at_line(no, error)),
    });
    devices.collect()
}

fn at_line(number: usize, error: Error) -> Error {
    match error {
        Error::NotJson { reason, column, .. } => Error::NotJson {
            reason,
            line: number,
            column,
        },
        Error::Invalid {
            field,
            reason,
            position,
        } => Error::Invalid {
            field: format!("line {number}: {field}"),
            reason,
            position,
        },
        other => other,
    }
}

/// The registrations, and the paths of them in the body.
fn check(devices: Placed, endpoints: &Endpoints) -> Result<(Vec<String>, Vec<Registration>), Error> {
    if devices.is_empty() || devices.len() > MAX_DEVICES {
        return Err(Error::invalid("body", "must have 1 to 10000 addresses"));
    }
    let registrations = devices.into_iter().map(|(place, device)| {
        let UserDevice {
            user_id,
            kind,
            address,
            extra,
            expires_at,
        } = device;
        let device = NewDevice {
            kind,
            address,
            extra,
            expires_at,
        };
        let registration = device.of_user(user_id.into_string(), &place, endpoints)?;
        Ok((place, registration))
    });
    registrations.collect()
}
