//! The passes: bounded, repeatable rounds of work between the stores.
//!
//! Each module is one pass, `run(&Backends) -> Result<Report, Error>`. A pass needs no
//! arguments: what there is to do stands in the stores. It may be cut off anywhere and run
//! again, by several processes at once, and stops between batches when its process is asked
//! to. `noroshi up` runs them in loops, `noroshi-NAME` once, for cron.

pub mod dispatch;
pub mod erase;
mod error;
pub mod fan_out;
pub mod feedback;
pub mod import;
mod once;
mod plan;
pub mod prune;
pub mod reconcile;
pub mod report;
mod turns;

pub use error::Error;
pub use once::main;
