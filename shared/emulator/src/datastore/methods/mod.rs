//! The methods of the service, one file each: read the request, decide, answer.

mod accumulate;
pub(crate) mod commit;
pub(crate) mod ids;
pub(crate) mod lookup;
mod prepare;
pub(crate) mod run_aggregation_query;
pub(crate) mod run_query;
pub(crate) mod transaction;
