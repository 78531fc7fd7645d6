//! Where a push can go: what is stored of a device, as its gateway takes it.
//!
//! What is stored was checked when it was registered. What cannot be read all the same, as a
//! subscription of a stand-in that is not there any more, is a wrong address.

use chrono::{DateTime, Utc};
use database::device::{Device, DeviceKind};
use provider::apns::{self, Environment};
use provider::web_push::Subscription;
use provider::{Address, Gateways, Outcome, fcm};
use serde::Deserialize;
use uuid::Uuid;

/// One device of a user's.
#[derive(Debug)]
pub struct Destination {
    pub device: Uuid,
    registered_at: DateTime<Utc>,
    kind: DeviceKind,
    to: Option<To>,
}

#[derive(Debug)]
enum To {
    FcmToken(String),
    FcmFid(String),
    Apns { token: String, besides: BesidesApns },
    WebPush(Box<Subscription>),
}

/// What is stored beside a device token.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BesidesApns {
    topic: Option<String>,
    environment: Environment,
}

/// What is stored beside an endpoint.
#[derive(Debug, Deserialize)]
struct BesidesEndpoint {
    p256dh: String,
    auth: String,
}

/// What becomes of an address after a gateway's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Kept,
    Removed,
    Quarantined,
}

impl Destination {
    /// Where a push goes to reach `device`; `None` if there is no gateway for it.
    pub fn of(device: Device, gateways: &Gateways) -> Option<Self> {
        let (id, registered_at, kind) = (device.id, device.registered_at, device.registration.kind);
        let to = match kind {
            DeviceKind::FcmToken => {
                gateways.fcm.as_ref()?;
                Some(To::FcmToken(device.registration.address))
            }
            DeviceKind::FcmFid => {
                gateways.fcm.as_ref()?;
                Some(To::FcmFid(device.registration.address))
            }
            DeviceKind::Apns => {
                gateways.apns.as_ref()?;
                apns(device)
            }
            DeviceKind::WebPush => {
                let endpoints = gateways.web_push.as_ref()?.endpoints();
                let besides = besides::<BesidesEndpoint>(&device);
                let subscription = besides.and_then(|BesidesEndpoint { p256dh, auth }| {
                    let endpoint = &device.registration.address;
                    Subscription::parse(endpoints, endpoint, &p256dh, &auth).ok()
                });
                subscription.map(|subscription| To::WebPush(Box::new(subscription)))
            }
        };
        Some(Self {
            device: id,
            registered_at,
            kind,
            to,
        })
    }

    /// As the gateway takes it; `None` if it is no address.
    pub fn address(&self) -> Option<Address<'_>> {
        Some(match self.to.as_ref()? {
            To::FcmToken(token) => Address::Fcm(fcm::Address::Token(token)),
            To::FcmFid(fid) => Address::Fcm(fcm::Address::InstallationId(fid)),
            To::Apns { token, besides } => Address::Apns(apns::Address {
                token,
                topic: besides.topic.as_deref(),
                environment: besides.environment,
            }),
            To::WebPush(subscription) => Address::WebPush(subscription),
        })
    }

    /// The word under which metrics count its kind.
    pub fn kind(&self) -> &'static str {
        self.kind.as_str()
    }

    /// What becomes of it. One that was registered after its gateway saw it end is there again.
    pub fn fate(&self, outcome: &Outcome) -> Fate {
        match outcome {
            Outcome::AddressGone { since } if since.is_some_and(|since| since <= self.registered_at) => {
                Fate::Kept
            }
            Outcome::AddressGone { .. } => Fate::Removed,
            Outcome::AddressWrong => Fate::Quarantined,
            Outcome::Accepted
            | Outcome::PayloadWrong(_)
            | Outcome::Throttled { .. }
            | Outcome::CredentialRefused(_)
            | Outcome::Unreachable(_) => Fate::Kept,
        }
    }
}

fn apns(device: Device) -> Option<To> {
    let besides = match &device.registration.extra {
        None => BesidesApns::default(),
        Some(_) => besides(&device)?,
    };
    Some(To::Apns {
        token: device.registration.address,
        besides,
    })
}

fn besides<'d, T: Deserialize<'d>>(device: &'d Device) -> Option<T> {
    serde_json::from_str(device.registration.extra.as_deref()?).ok()
}
