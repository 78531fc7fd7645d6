//! The ledger: one line for each accepted message, appended in the order of acceptance.
//!
//! A line is `push id, address, collapse id, attempt, received at (microseconds since the
//! epoch)`, separated by tabs; an empty collapse id or attempt means none. The control
//! characters U+0000 to U+000B are written as U+000B and the character 64 places on, which
//! keeps the order: sorting lines by their bytes sorts by push id.
//!
//! The file is only appended to, by whole batches. What a killed process has left unfinished
//! at the end is no record, and is cut off when the file is opened for appending again.

mod appender;
mod entry;
mod reader;
mod sorted;

pub use entry::Entry;
pub use reader::Reader;
pub use sorted::{Sorted, sorted_by_push};

pub(super) use appender::Appender;
