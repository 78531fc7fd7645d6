//! What people and their tools talk to: the HTTP API and the log.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::config::Secret;

/// `[admin]`: the HTTP API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Address of the API.
    pub listen: SocketAddr,
    /// Bearer token that every request carries; with an embedded database and none given, one is
    /// generated, see [`crate::token`].
    pub token: Option<Secret>,
    /// Largest audience file, in bytes.
    pub upload_max_bytes: NonZeroU64,
    /// Largest body of any other request, in bytes.
    pub json_max_bytes: NonZeroU64,
}

/// `[log]`: always to standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// For whose eyes.
    pub format: LogFormat,
    /// Least level, and exceptions by module: `info,sqlx=warn`.
    pub level: String,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line, for machines.
    Json,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            token: None,
            upload_max_bytes: bytes(1 << 30),
            json_max_bytes: bytes(4 << 20),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Pretty,
            level: "info".to_owned(),
        }
    }
}

const fn bytes(n: u64) -> NonZeroU64 {
    NonZeroU64::new(n).expect("both limits above are more than zero")
}
