//! What an address of each kind has to be, and what has to stand beside it.
//!
//! It is checked when it is registered, so that a typing error is told to whoever made it and not
//! to a campaign.

use provider::apns::{self, Environment};
use provider::web_push::{Endpoints, Subscription, SubscriptionError};
use runtime::Backends;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::registration::Kind;

/// The longest address, in bytes; a gateway's own are far shorter.
const MAX_ADDRESS_BYTES: usize = 4_096;

/// What stands beside an APNs device token.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BesideToken {
    /// The app's bundle id; without it, the configured one.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// Which of Apple's services knows the device: `production` or `sandbox`.
    #[schema(value_type = String)]
    environment: Environment,
}

/// What stands beside a Web Push endpoint: the subscription's `keys`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BesideEndpoint {
    /// The browser's public key, in base64url.
    p256dh: String,
    /// The shared secret, in base64url.
    auth: String,
}

/// An address as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub(super) address: String,
    /// JSON.
    pub(super) extra: Option<String>,
}

/// Which field is wrong, and the rule.
pub(super) type Fault = (String, String);

/// Which Web Push endpoints may be registered.
pub(super) fn endpoints(backends: &Backends) -> &Endpoints {
    let web_push = backends.gateways.web_push.as_ref();
    web_push.map_or(&Endpoints::Public, |web_push| web_push.endpoints())
}

/// The address as it is stored, if it can be one of that kind.
pub(super) fn check(
    kind: Kind,
    address: String,
    extra: Option<Map<String, Value>>,
    endpoints: &Endpoints,
) -> Result<Checked, Fault> {
    let plain = !address.chars().any(|c| c.is_control() || c.is_whitespace());
    if address.is_empty() || address.len() > MAX_ADDRESS_BYTES || !plain {
        let rule = "must be 1 to 4096 bytes without white space and control characters";
        return Err(fault("address", rule));
    }
    match kind {
        Kind::FcmToken | Kind::FcmFid => match extra {
            None => Ok(Checked { address, extra: None }),
            Some(_) => Err(fault(
                "extra",
                "must be left out: nothing stands beside an address of this kind",
            )),
        },
        Kind::Apns => apns(address, extra),
        Kind::WebPush => web_push(address, extra, endpoints),
    }
}

fn apns(address: String, extra: Option<Map<String, Value>>) -> Result<Checked, Fault> {
    let besides: BesideToken = extra.map(read).transpose()?.unwrap_or_default();
    // One device has one token, however its digits were written.
    let address = address.to_ascii_lowercase();
    let checked = apns::Address {
        token: &address,
        topic: besides.topic.as_deref(),
        environment: besides.environment,
    };
    checked.check().map_err(|error| match error {
        apns::AddressError::Token(rule) => fault("address", rule),
        apns::AddressError::Topic(rule) => fault("extra.topic", rule),
    })?;
    Ok(Checked {
        address,
        extra: Some(write(&besides)),
    })
}

fn web_push(
    address: String,
    extra: Option<Map<String, Value>>,
    endpoints: &Endpoints,
) -> Result<Checked, Fault> {
    let extra =
        extra.ok_or_else(|| fault("extra", "must have the subscription's keys, `p256dh` and `auth`"))?;
    let besides: BesideEndpoint = read(extra)?;
    Subscription::parse(endpoints, &address, &besides.p256dh, &besides.auth).map_err(
        |error| match error {
            SubscriptionError::Endpoint(rule) => fault("address", rule),
            SubscriptionError::P256dh(rule) => fault("extra.p256dh", rule),
            SubscriptionError::Auth(rule) => fault("extra.auth", rule),
        },
    )?;
    Ok(Checked {
        address,
        extra: Some(write(&besides)),
    })
}

fn read<T: DeserializeOwned>(extra: Map<String, Value>) -> Result<T, Fault> {
    serde_path_to_error::deserialize(Value::Object(extra)).map_err(|error| {
        let field = match error.path().to_string().as_str() {
            "." => "extra".to_owned(),
            path => format!("extra.{path}"),
        };
        (field, error.inner().to_string())
    })
}

fn write(besides: &impl Serialize) -> String {
    serde_json::to_string(besides).expect("texts are JSON")
}

fn fault(field: &str, rule: &str) -> Fault {
    (field.to_owned(), rule.to_owned())
}
