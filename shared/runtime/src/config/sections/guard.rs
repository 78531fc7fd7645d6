//! What slows everything down.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{DatabaseUrl, duration};

/// `[guard]`: import, fan-out and sender begin less while a database suffers. Of each signal,
/// `…_slow_from` is where they begin to, and `…_hold_at` where they begin nothing more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guard {
    /// Whether anything is watched.
    pub enabled: bool,
    /// Wait between two samples.
    #[serde(with = "duration")]
    pub interval: Duration,
    /// Replicas of the SQL primary, each with the same database.
    pub replicas: Vec<DatabaseUrl>,
    /// How far the replica that is furthest behind may be behind.
    #[serde(with = "duration")]
    pub replica_lag_slow_from: Duration,
    #[serde(with = "duration")]
    pub replica_lag_hold_at: Duration,
    /// Statements that may run on the primary at once.
    pub threads_running_slow_from: NonZeroU32,
    pub threads_running_hold_at: NonZeroU32,
    /// How long a small write on the primary may take.
    #[serde(with = "duration")]
    pub statement_slow_from: Duration,
    #[serde(with = "duration")]
    pub statement_hold_at: Duration,
    /// Commits of a hundred that Datastore may not take.
    pub datastore_errors_slow_from: NonZeroU32,
    pub datastore_errors_hold_at: NonZeroU32,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            enabled: true,
            interval: Duration::from_secs(1),
            replicas: Vec::new(),
            replica_lag_slow_from: Duration::from_secs(2),
            replica_lag_hold_at: Duration::from_secs(10),
            threads_running_slow_from: super::count(25),
            threads_running_hold_at: super::count(50),
            statement_slow_from: Duration::from_millis(250),
            statement_hold_at: Duration::from_millis(2_500),
            datastore_errors_slow_from: super::count(10),
            datastore_errors_hold_at: super::count(50),
        }
    }
}
