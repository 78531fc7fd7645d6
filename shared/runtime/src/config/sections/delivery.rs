//! The way from a task to a gateway.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{Endpoint, Secret, duration};

/// `[provider]`: the gateways.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provider {
    /// Firebase Cloud Messaging.
    pub fcm: Fcm,
}

/// `[provider.fcm]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fcm {
    /// Which gateway; Google's as soon as a project is set, else the sink.
    pub endpoint: Endpoint,
    /// Firebase project.
    pub project: String,
    /// Service-account key (JSON); `None`: the ambient credentials of the machine.
    pub credentials: Option<Secret>,
    /// How long one request may take.
    #[serde(with = "duration")]
    pub timeout: Duration,
    /// HTTP/2 connections of one process, each with many requests in flight.
    pub connections: NonZeroU32,
    /// Messages that the project takes in a minute, of all processes together; 0: as many as come.
    pub messages_per_minute: u32,
}

impl Fcm {
    /// The name of the project's quota, and messages a minute; `None` without one.
    pub fn quota(&self) -> Option<(String, u64)> {
        let per_minute = u64::from(self.messages_per_minute);
        (per_minute > 0).then(|| (format!("fcm/{}", self.project), per_minute))
    }
}

/// `[sender]`: what delivers a chunk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sender {
    /// Address of the task handler.
    pub listen: SocketAddr,
    /// How long a sender holds a chunk. Never renewed.
    #[serde(with = "duration")]
    pub lease: Duration,
    /// How long after the lease's start sends may start.
    #[serde(with = "duration")]
    pub budget: Duration,
    /// Time kept for settling what was sent.
    #[serde(with = "duration")]
    pub settle_margin: Duration,
    /// How far clocks of two machines may be apart.
    #[serde(with = "duration")]
    pub skew: Duration,
    /// Chunks of each lane that one process delivers at the same time.
    pub concurrency: NonZeroU32,
    /// How often the control state is asked for.
    #[serde(with = "duration")]
    pub permit_poll: Duration,
    /// How long an answer permits sending, from the start of the question.
    #[serde(with = "duration")]
    pub permit: Duration,
}

/// `[retry]`: how long a push waits before it is tried again, and how often it is. A wait is
/// somewhere between nothing and its bound, so that what failed together does not return
/// together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// Bound of the first wait; it doubles with each further attempt.
    #[serde(with = "duration")]
    pub base: Duration,
    /// Bound of every wait; what a gateway asks for may exceed it.
    #[serde(with = "duration")]
    pub cap: Duration,
    /// Least wait when a gateway throttles and does not say for how long.
    #[serde(with = "duration")]
    pub throttled_floor: Duration,
    /// Attempts in all, the first included.
    pub attempts: NonZeroU32,
}

impl Default for Fcm {
    fn default() -> Self {
        Self {
            endpoint: Endpoint::Embedded,
            project: "noroshi".to_owned(),
            credentials: None,
            timeout: Duration::from_secs(10),
            connections: super::count(4),
            messages_per_minute: 600_000,
        }
    }
}

impl Default for Sender {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)),
            lease: Duration::from_secs(60),
            budget: Duration::from_secs(30),
            settle_margin: Duration::from_secs(10),
            skew: Duration::from_secs(5),
            concurrency: super::count(16),
            permit_poll: Duration::from_millis(200),
            permit: Duration::from_millis(600),
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(600),
            throttled_floor: Duration::from_secs(60),
            attempts: super::count(16),
        }
    }
}
