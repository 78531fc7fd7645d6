//! What can go wrong with Datastore, by what the caller can do about it.

use gcloud_sdk::tonic::{Code, Status};

/// Why a call to Datastore did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Datastore cannot be reached or is too slow: everything has to wait for it.
    #[error("datastore is not reachable")]
    Unreachable(#[source] Box<Status>),
    /// Another transaction was in the way: the same again will do.
    #[error("another datastore transaction was in the way")]
    Conflict(#[source] Box<Status>),
    /// Datastore asks for fewer requests.
    #[error("datastore is throttling")]
    Throttled(#[source] Box<Status>),
    /// Datastore refused the request: credentials, limits, or a fault of ours.
    #[error("datastore refused the request")]
    Refused(#[source] Box<Status>),
    /// An entity does not have the shape in which this crate writes it.
    #[error("the {kind} entity {key} has no usable property `{property}`")]
    Malformed {
        /// The entity's kind.
        kind: &'static str,
        /// Its key's name.
        key: String,
        /// The property that is missing or of another type.
        property: &'static str,
    },
    /// More pushes than a transaction may create.
    #[error("a chunk of {recipients} recipients does not fit a transaction of {limit} mutations")]
    TooLarge {
        /// Recipients of the chunk.
        recipients: usize,
        /// Mutations that a transaction may hold, the marker's included.
        limit: usize,
    },
    /// The credentials or the endpoint cannot be used.
    #[error("the datastore client cannot be made")]
    Client(#[source] Box<gcloud_sdk::error::Error>),
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let class = match status.code() {
            Code::Aborted => Self::Conflict,
            Code::ResourceExhausted => Self::Throttled,
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown | Code::Internal => {
                Self::Unreachable
            }
            Code::Ok
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::DataLoss
            | Code::Unauthenticated => Self::Refused,
        };
        class(Box::new(status))
    }
}

impl Error {
    /// Whether the same request may succeed later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Conflict(_) | Self::Throttled(_) => true,
            Self::Refused(_) | Self::Malformed { .. } | Self::TooLarge { .. } | Self::Client(_) => false,
        }
    }
}
