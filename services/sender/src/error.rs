//! Why a delivery did not come to its end, by what happens to the chunk then.

use database::Error as SqlError;
use push_store::Error as StoreError;

/// Why a delivery did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Datastore could not be read or written: the queue is asked to call again.
    #[error("the chunk cannot be read or written")]
    Store(#[from] StoreError),
    /// SQL could not be read or written: the chunk is given back.
    #[error("the SQL side of the delivery failed")]
    Sql(#[from] SqlError),
    /// The grants did not come about, and nothing of them holds or is known to hold: the chunk
    /// is given back.
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
