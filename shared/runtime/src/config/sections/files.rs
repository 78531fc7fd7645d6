//! The bytes of files, on their way in and out.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{DatabaseUrl, duration};

/// `[files]`: uploads until they are imported, and reports until they expire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Files {
    /// A database of their own; `None`: the one of `[database]`.
    pub database: Option<DatabaseUrl>,
    /// Connections of this process to it at most.
    pub max_connections: NonZeroU32,
    /// Most bytes of a file that comes as ZIP, unpacked.
    pub zip_max_bytes: NonZeroU64,
    /// How many times as large as the ZIP it may become.
    pub zip_max_ratio: NonZeroU32,
    /// How long a report is kept.
    #[serde(with = "duration")]
    pub keep_reports: Duration,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            database: None,
            max_connections: super::count(8),
            zip_max_bytes: NonZeroU64::new(4 << 30).expect("4 GiB is more than zero"),
            zip_max_ratio: super::count(200),
            keep_reports: Duration::from_secs(7 * 86_400),
        }
    }
}
