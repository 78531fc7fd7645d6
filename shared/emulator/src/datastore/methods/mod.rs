//! The methods of the service, one file each: read the request, decide, answer.

pub(crate) mod commit;
pub(crate) mod ids;
pub(crate) mod lookup;
pub(crate) mod run_aggregation_query;
pub(crate) mod run_query;
pub(crate) mod transaction;
