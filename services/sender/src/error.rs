//! Why an attempt at a chunk did not come to its end.

use database::Error as SqlError;
use push_store::Error as StoreError;

/// Why an attempt did not come to its end. The chunk is given back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Datastore could not be read or written.
    #[error("the chunk cannot be read or written")]
    Store(#[from] StoreError),
    /// SQL could not be read or written.
    #[error("the SQL side of the delivery failed")]
    Sql(#[from] SqlError),
    /// The rendezvous did not come about, for a reason that no store gave.
    #[error("the grants did not come about: {0}")]
    Rendezvous(&'static str),
    /// SQL refuses whoever of the chunk is to get the coupon: a rule that somebody has made there,
    /// and must mend. The chunk is given back for long.
    #[error("SQL refuses every grant of the chunk, which is no user's fault")]
    EverybodyRefused,
    /// The campaign's message, as it is stored, cannot be understood: a fault of ours.
    #[error("the campaign's message cannot be used")]
    Message(#[source] Box<dyn std::error::Error + Send + Sync>),
}
