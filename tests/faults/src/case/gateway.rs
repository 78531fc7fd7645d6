//! What gateways do wrong, and each of them in its own words.

use std::fmt;
use std::time::Duration;

use emulator::sink::{Fault, Outcome};

/// A gateway. In a case every device is one of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gateway {
    /// Firebase Cloud Messaging.
    #[default]
    Fcm,
    /// Apple Push Notification service.
    Apns,
    /// Web Push.
    WebPush,
}

/// A gateway's trouble with some addresses. Its text is its name: `P1:quota_exceeded` at FCM,
/// `P1/apns:quota_exceeded` elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grudge {
    /// The code that `RELIABILITY.md` uses.
    pub code: &'static str,
    /// What the gateway does.
    pub kind: &'static str,
    /// Which one.
    pub gateway: Gateway,
    /// What happens to a message.
    pub outcome: Outcome,
    /// The share of all addresses that are struck.
    pub share: f64,
    /// Only the first so many messages to each of them.
    pub first: Option<u32>,
    /// Only so many messages of all of them together.
    pub in_all: Option<u32>,
    /// How long the gateway asks to wait.
    pub retry_after: Option<Duration>,
}

/// Every trouble of every gateway.
pub fn grudges() -> impl Iterator<Item = Grudge> {
    let gateways = [Gateway::Fcm, Gateway::Apns, Gateway::WebPush];
    gateways.into_iter().flat_map(|gateway| {
        [
            Grudge {
                retry_after: Some(Duration::from_secs(1)),
                ..once("P1", "quota_exceeded", Outcome::QuotaExceeded)
            },
            once("P2", "unavailable", Outcome::Unavailable),
            once("P2", "internal", Outcome::Internal),
            once("P2", "hang", Outcome::Hang),
            Grudge {
                // Each of them drops a connection, and what is under way on it.
                share: 0.02,
                ..once("P3", "reset_after_accept", Outcome::ResetAfterAccept)
            },
            always("P4", "unregistered", Outcome::Unregistered),
            always("P5", "invalid_argument", Outcome::InvalidArgument),
            refusal(),
        ]
        .map(|grudge| Grudge { gateway, ..grudge })
    })
}

/// Our credential is refused twice in all. What is refused first pauses the gateway, or has FCM's
/// token renewed; then one message at a time tries whether it still refuses. Were every message
/// refused once, a pause would come after each of them, each twice as long as the one before.
fn refusal() -> Grudge {
    Grudge {
        share: 0.9,
        in_all: Some(2),
        ..once("P6", "unauthenticated", Outcome::Unauthenticated)
    }
}

/// Refused at the first try.
const fn once(code: &'static str, kind: &'static str, outcome: Outcome) -> Grudge {
    Grudge {
        first: Some(1),
        ..always(code, kind, outcome)
    }
}

/// Refused for good.
const fn always(code: &'static str, kind: &'static str, outcome: Outcome) -> Grudge {
    Grudge {
        code,
        kind,
        gateway: Gateway::Fcm,
        outcome,
        share: 0.3,
        first: None,
        in_all: None,
        retry_after: None,
    }
}

impl Grudge {
    /// As the gateway's script has it.
    pub fn script(self) -> Fault {
        Fault {
            outcome: self.outcome,
            share: self.share,
            first: self.first,
            in_all: self.in_all,
            retry_after: self.retry_after,
        }
    }
}

impl fmt::Display for Grudge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, kind, .. } = self;
        match self.gateway {
            Gateway::Fcm => write!(f, "{code}:{kind}"),
            Gateway::Apns => write!(f, "{code}/apns:{kind}"),
            Gateway::WebPush => write!(f, "{code}/web_push:{kind}"),
        }
    }
}
