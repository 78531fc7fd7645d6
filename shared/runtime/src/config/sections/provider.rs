//! The gateways.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{Endpoint, HttpUrl, Secret, duration};

/// `[provider]`: the gateways.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provider {
    /// A file of certificates (PEM) that a gateway's may be signed by, beside the web's
    /// authorities: that of a proxy, for instance, through which a company reaches the internet.
    pub authorities: Option<PathBuf>,
    /// Firebase Cloud Messaging.
    pub fcm: Fcm,
    /// Apple Push Notification service.
    pub apns: Apns,
    /// Web Push.
    pub web_push: WebPush,
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
    /// HTTP/2 connections of one process at most, each with many requests in flight.
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

/// `[provider.apns]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Apns {
    /// Which gateway; Apple's as soon as a key is set, else the sink.
    pub endpoint: Endpoint,
    /// The one for apps that a developer has put on the device; `None`: Apple's, or the same
    /// stand-in.
    pub sandbox: Option<HttpUrl>,
    /// The team's key (.p8).
    pub key: Option<Secret>,
    /// Its id.
    pub key_id: String,
    /// The team's id.
    pub team_id: String,
    /// The app's bundle id, for addresses that name none.
    pub topic: Option<String>,
    /// How long one request may take.
    #[serde(with = "duration")]
    pub timeout: Duration,
    /// HTTP/2 connections of one process at most, to each of Apple's two services.
    pub connections: NonZeroU32,
}

/// `[provider.web_push]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebPush {
    /// The key that subscriptions are bound to (PEM); `None`: there is a stand-in, or the sink.
    pub key: Option<Secret>,
    /// How a push service reaches a person.
    pub subject: Option<String>,
    /// A stand-in, to which all subscriptions belong.
    pub stand_in: Option<HttpUrl>,
    /// How long one request may take.
    #[serde(with = "duration")]
    pub timeout: Duration,
    /// HTTP/2 connections of one process at most, to each push service.
    pub connections: NonZeroU32,
}

impl Provider {
    /// Whether the sink stands for all gateways. It stands for none as soon as one is elsewhere:
    /// beside a real gateway, what the sink takes would be counted as sent.
    pub fn is_embedded(&self) -> bool {
        let web_push = &self.web_push;
        self.fcm.endpoint.is_embedded()
            && self.apns.endpoint.is_embedded()
            && web_push.key.is_none()
            && web_push.stand_in.is_none()
    }
}

const TIMEOUT: Duration = Duration::from_secs(10);

impl Default for Fcm {
    fn default() -> Self {
        Self {
            endpoint: Endpoint::Embedded,
            project: "noroshi".to_owned(),
            credentials: None,
            timeout: TIMEOUT,
            connections: super::count(64),
            messages_per_minute: 600_000,
        }
    }
}

impl Default for Apns {
    fn default() -> Self {
        Self {
            endpoint: Endpoint::Embedded,
            sandbox: None,
            key: None,
            key_id: String::new(),
            team_id: String::new(),
            topic: None,
            timeout: TIMEOUT,
            connections: super::count(16),
        }
    }
}

impl Default for WebPush {
    fn default() -> Self {
        Self {
            key: None,
            subject: None,
            stand_in: None,
            timeout: TIMEOUT,
            connections: super::count(16),
        }
    }
}
