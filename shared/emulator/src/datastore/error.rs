//! What can go wrong with a request, and the status that a client is told.
//!
//! The words are Google's where it has words for the case: clients and people match on them.

use std::borrow::Cow;

use tonic::{Code, Status};

/// Why a request was not carried out. None of it has been applied, except where a
/// non-transactional commit says otherwise.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The request can never succeed as it is.
    #[error("{0}")]
    Invalid(Cow<'static, str>),
    /// The request is right, but the database is not set up or not in the state for it.
    #[error("{0}")]
    Precondition(String),
    /// An insert met an entity.
    #[error("entity already exists: {0}")]
    AlreadyExists(String),
    /// An update met none.
    #[error("no entity to update: {0}")]
    NotFound(String),
    /// Another transaction was in the way: begin again.
    #[error(
        "Aborted due to cross-transaction contention. This occurs when multiple transactions attempt \
         to access the same data, requiring at least one to be aborted in order to enforce serializability."
    )]
    Contention,
    /// Nothing of the kind is offered here.
    #[error("{0}")]
    Unimplemented(&'static str),
    /// The server is stopping; try another time.
    #[error("the server is stopping")]
    Stopping,
    /// The file could not be written; whether the commit was is unknown.
    #[error("the commit could not be stored")]
    Unstored,
    /// The file could not be read.
    #[error("the storage failed")]
    Storage(#[from] rusqlite::Error),
}

impl Error {
    /// A request that can never succeed, with the reason.
    pub(crate) fn invalid(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(reason.into())
    }

    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::InvalidArgument,
            Self::Precondition(_) => Code::FailedPrecondition,
            Self::AlreadyExists(_) => Code::AlreadyExists,
            Self::NotFound(_) => Code::NotFound,
            Self::Contention => Code::Aborted,
            Self::Unimplemented(_) => Code::Unimplemented,
            Self::Stopping | Self::Unstored => Code::Unavailable,
            Self::Storage(_) => Code::Internal,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        if let Error::Storage(cause) = &error {
            tracing::error!(error.cause = %cause, "the storage of the Datastore emulator failed");
        }
        Self::new(error.code(), error.to_string())
    }
}
