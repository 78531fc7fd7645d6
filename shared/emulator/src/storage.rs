//! Where a server keeps its facts.

use std::path::PathBuf;

/// Where entities, or queues and tasks, are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In the process, and gone with it.
    Memory,
    /// In one SQLite file, made if it is missing, held by one server at a time. What was
    /// acknowledged survives a crash.
    File(PathBuf),
}
