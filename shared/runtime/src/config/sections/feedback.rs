//! What the company's own systems are told.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{HttpUrl, Secret, duration};

/// `[feedback]`: addresses that gateways call gone or wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Feedback {
    /// Where each is posted; `None`: nowhere, it is pulled.
    pub webhook: Option<HttpUrl>,
    /// What signs the posts: `whsec_` and base64.
    pub secret: Option<Secret>,
    /// Wait between two passes; one that left work is followed at once.
    #[serde(with = "duration")]
    pub interval: Duration,
    /// How long one post may take.
    #[serde(with = "duration")]
    pub timeout: Duration,
    /// Attempts in all, the first included, before one is given up.
    pub attempts: NonZeroU32,
}

impl Default for Feedback {
    fn default() -> Self {
        Self {
            webhook: None,
            secret: None,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
            attempts: super::count(16),
        }
    }
}
