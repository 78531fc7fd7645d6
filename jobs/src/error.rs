//! Why a pass ended early, by what whoever called it should do.

use runtime::{ConnectError, ExitCode, Failure};

/// Why a pass ended early. What it had done stays done, and the next pass goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the pass works with could not be connected.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// SQL failed.
    #[error("the pass could not use SQL")]
    Sql(#[from] database::Error),
    /// Datastore failed.
    #[error("the pass could not use datastore")]
    Store(#[from] push_store::Error),
    /// The task queue failed.
    #[error("the pass could not use the task queue")]
    Queue(#[from] task_queue::Error),
    /// Nothing can be posted to the webhook as it is configured.
    #[error("the webhook cannot be used")]
    Webhook(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored cannot be understood: a fault of ours, or of somebody who wrote there.
    #[error("{what} is stored in a form that cannot be used")]
    Stored {
        /// Which fact of which row.
        what: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    pub(crate) fn stored(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Stored {
            what: what.into(),
            source: source.into(),
        }
    }

    /// Whether the same again may succeed at once: the store was busy, or not to be reached.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Store(error) => error.is_passing(),
            Self::Connect(_) | Self::Sql(_) | Self::Queue(_) | Self::Webhook(_) | Self::Stored { .. } => {
                false
            }
        }
    }

    /// Whether a lock in SQL was in the way: the same again succeeds once somebody else has ended.
    pub(crate) fn is_busy(&self) -> bool {
        match self {
            Self::Sql(database::Error::Busy(_)) => true,
            Self::Connect(_)
            | Self::Sql(_)
            | Self::Store(_)
            | Self::Queue(_)
            | Self::Webhook(_)
            | Self::Stored { .. } => false,
        }
    }

    /// Whether it is about what some rows hold, and says nothing of others or of their store.
    pub(crate) fn is_in_the_rows(&self) -> bool {
        match self {
            Self::Stored { .. }
            | Self::Store(push_store::Error::Malformed { .. } | push_store::Error::TooLarge { .. }) => true,
            Self::Connect(_) | Self::Sql(_) | Self::Store(_) | Self::Queue(_) | Self::Webhook(_) => false,
        }
    }
}

impl Failure for Error {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Connect(error) => error.exit_code(),
            Self::Sql(database::Error::Unreachable(_)) => ExitCode::Unavailable,
            Self::Sql(database::Error::Busy(_)) => ExitCode::TryAgain,
            Self::Sql(database::Error::Unsuitable(_)) => ExitCode::Usage,
            Self::Sql(
                database::Error::UniqueViolation(_) | database::Error::Refused(_) | database::Error::Fault(_),
            ) => ExitCode::Fault,
            Self::Store(push_store::Error::Unreachable(_)) => ExitCode::Unavailable,
            Self::Store(push_store::Error::Conflict(_) | push_store::Error::Throttled(_)) => {
                ExitCode::TryAgain
            }
            Self::Store(push_store::Error::Client(_)) => ExitCode::Usage,
            Self::Store(
                push_store::Error::Refused(_)
                | push_store::Error::Malformed { .. }
                | push_store::Error::TooLarge { .. },
            ) => ExitCode::Fault,
            Self::Queue(task_queue::Error::Unreachable(_)) => ExitCode::Unavailable,
            Self::Queue(task_queue::Error::Client(_)) | Self::Webhook(_) => ExitCode::Usage,
            Self::Queue(task_queue::Error::Refused(_)) | Self::Stored { .. } => ExitCode::Fault,
        }
    }
}
