//! Where facts are kept, and the queue between them and the sender.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{DatabaseUrl, Endpoint, HttpUrl, duration};

/// `[data]`: files of the embedded parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// Directory, made when it is missing.
    pub dir: PathBuf,
}

/// `[database]`: campaigns, audiences, coupons, grants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// Which database.
    pub url: DatabaseUrl,
    /// Connections of this process at most.
    pub max_connections: NonZeroU32,
}

/// How the embedded entity store meets two transactions on one entity. Production databases run
/// either way, so both can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concurrency {
    /// The later one is refused when it commits.
    Optimistic,
    /// The later one waits for a lock.
    Pessimistic,
}

/// `[datastore]`: pushes and chunks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Datastore {
    /// Which Datastore; Google's as soon as a project is set.
    pub endpoint: Endpoint,
    /// Google Cloud project.
    pub project: String,
    /// Database id; empty is the project's default database.
    pub database: String,
    /// Namespace; empty is the default one.
    pub namespace: String,
    /// Of the embedded store only.
    pub concurrency: Concurrency,
}

impl Datastore {
    /// What tells this store from others, whoever speaks to it: `project/database/namespace`.
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.project, self.database, self.namespace)
    }
}

/// `[queue]`: the task queue that calls the sender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Queue {
    /// Which queue service; Google's as soon as a project is set.
    pub endpoint: Endpoint,
    /// Google Cloud project.
    pub project: String,
    /// Google Cloud location.
    pub location: String,
    /// Name of the queue of triggered pushes and small campaigns.
    pub fast: String,
    /// Name of the queue of large campaigns.
    pub bulk: String,
    /// Where the queue reaches the sender; `None`: this process's own sender.
    pub handler: Option<HttpUrl>,
    /// E-mail of the service account whose OIDC tokens the tasks carry.
    pub service_account: Option<String>,
    /// Audience of those tokens; `None`: the handler's URL.
    pub audience: Option<String>,
    /// How long the queue waits for the handler's answer (15 s to 30 min, the limits of Cloud Tasks).
    #[serde(with = "duration")]
    pub deadline: Duration,
}

impl Default for Data {
    fn default() -> Self {
        Self { dir: "./data".into() }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: DatabaseUrl::embedded(),
            max_connections: super::count(16),
        }
    }
}

impl Default for Datastore {
    fn default() -> Self {
        Self {
            endpoint: Endpoint::Embedded,
            project: "noroshi".to_owned(),
            database: String::new(),
            namespace: String::new(),
            concurrency: Concurrency::Optimistic,
        }
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            endpoint: Endpoint::Embedded,
            project: "noroshi".to_owned(),
            location: "local".to_owned(),
            fast: "noroshi-fast".to_owned(),
            bulk: "noroshi-bulk".to_owned(),
            handler: None,
            service_account: None,
            audience: None,
            deadline: Duration::from_secs(120),
        }
    }
}
