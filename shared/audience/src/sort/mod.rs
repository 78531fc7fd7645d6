//! Sorts any number of rows in a fixed amount of memory, and finds duplicates exactly.
//!
//! Two steps, between which the rows lie in a store, and either of which can stop anywhere:
//!
//! 1. [`Spread`] takes the rows in the order of the file and spreads them over *partitions* by a
//!    hash of the user. Every few megabytes it gives what it has as *runs*, at most 1 MiB each.
//! 2. [`Merge`] takes one partition after the other. All rows of a user are in one, in the order
//!    of the file: the first is accepted and the others are its duplicates. What is accepted is put
//!    together by time zone, in the order of the file, and cut into chunks; what does not fill a
//!    chunk is *carried* to the next partition as runs like any other.
//!
//! Other lists can take part, of recipients to be included and of users to be excluded or required:
//! their users are spread over the same partitions, and a run has a [`Role`].
//!
//! Chunks, carried runs and duplicates of a partition are a pure function of its runs, of what was
//! carried to it, and of the settings. How the rows were cut into runs has no influence.

mod duplicate;
mod merge;
mod partition;
mod row;
mod spread;

pub use duplicate::{Duplicate, DuplicateRun, LINES_OF_A_DUPLICATE_RUN, read_duplicates};
pub use merge::{Merge, Merged, Position, Role};
pub use spread::{Run, Spread};

/// How many partitions a file of so many bytes needs, so that each takes about `partition_bytes`
/// of memory: at least one, and at most 4,096.
pub fn partition_count(file_bytes: u64, partition_bytes: u64) -> u32 {
    let count = file_bytes.div_ceil(partition_bytes.max(1)).clamp(1, 4_096);
    u32::try_from(count).expect("it is at most 4,096")
}
