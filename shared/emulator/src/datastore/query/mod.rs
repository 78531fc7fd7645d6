//! Queries, answered from indexes as Datastore answers them.
//!
//! A query is brought into a normal form (`normal`): alternatives of equalities and intervals,
//! and one order for all. For each alternative the plan (`plan`) finds indexes whose entries
//! are its equalities, then the order's values, then the path; or it says which index is
//! missing. What stands behind the equalities is a *position*. Scans (`scan`) give positions
//! in order, merged within an alternative by leapfrogging and across alternatives by the least
//! (`results`). A cursor is a position, too.

mod filter;
pub(crate) mod normal;
pub(crate) mod plan;
pub(crate) mod position;
pub(crate) mod results;
mod scan;
