//! Why a demo came to no result.

use std::path::PathBuf;

use runtime::{ExitCode, Failure};

use crate::api;
use crate::installation::StartError;

/// A demo that came to no result.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The user's file cannot be read.
    #[error("cannot read {path}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The user's file was read, and cannot become an audience.
    #[error("the audience file was refused: {0}")]
    FileRefused(String),
    /// There is no place for files.
    #[error("the data directory cannot be used")]
    Data(#[source] std::io::Error),
    /// Something does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The API did not do what it was asked for.
    #[error(transparent)]
    Api(#[from] api::Error),
    /// The campaign has come to another end than the right one.
    #[error("the campaign is {state}: {reason}")]
    Ended {
        /// Where it stands.
        state: String,
        /// Why, as the API says.
        reason: String,
    },
    /// Nothing has moved for a long time.
    #[error("nothing has moved for {minutes} minutes: {missing}")]
    Stalled {
        /// For how long.
        minutes: u64,
        /// What is missing, in the API's words.
        missing: String,
    },
    /// Ctrl-C, before the end.
    #[error("stopped before the end")]
    Interrupted,
    /// SQL could not be read.
    #[error("the database cannot be read")]
    Sql(#[from] database::Error),
    /// Datastore could not be read.
    #[error("the pushes cannot be read")]
    Datastore(#[from] push_store::Error),
    /// A stored chunk is not one any more.
    #[error("a chunk of the audience is damaged")]
    Chunk(#[from] audience::Corrupt),
    /// The gateway's ledger could not be read or sorted.
    #[error("the ledger cannot be read")]
    Ledger(#[source] std::io::Error),
    /// A fault of ours, with a panic in the log.
    #[error("a task panicked")]
    Panicked,
}

impl Failure for Error {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::File { .. } | Self::FileRefused(_) | Self::Data(_) => ExitCode::Usage,
            Self::Start(error) => error.exit_code(),
            // What a demo asks for is never the user's mistake.
            Self::Api(api::Error::Refused { status, .. }) if status.is_client_error() => ExitCode::Fault,
            Self::Api(error) => error.exit_code(),
            Self::Sql(_) | Self::Datastore(_) => ExitCode::Unavailable,
            Self::Interrupted | Self::Stalled { .. } => ExitCode::TryAgain,
            Self::Ended { .. } | Self::Chunk(_) | Self::Ledger(_) | Self::Panicked => ExitCode::Fault,
        }
    }
}
