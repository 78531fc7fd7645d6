//! Why an attempt at a chunk did not come to its end.

use database::Error as SqlError;
use push_store::Error as StoreError;

/// Why an attempt did not come to its end. The chunk is given back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Datastore could not be read or written.
    #[error("the chunk cannot be read or written")]
    Store(#[from] StoreError),
    /// SQL could not be read or written.
    #[error("the SQL side of the delivery failed")]
    Sql(#[from] SqlError),
    /// The grants did not come about, and nothing of them holds or is known to hold.
    #[error("the grants did not come about: {0}")]
    Grants(&'static str),
    /// What is stored about the campaign cannot be understood: a fault of ours.
    #[error("the campaign's {field} cannot be used")]
    Campaign {
        /// The column.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
