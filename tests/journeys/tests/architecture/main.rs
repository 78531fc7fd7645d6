//! Guards of what the compiler does not guard: which package may depend on which, and the shape
//! of source files.
//!
//! Each guard is a pure function from what is there to a list of complaints. It is asked about the
//! workspace as it is, and, so that it is known to be able to fail, about a bad example.

mod dependencies;
mod sources;

/// The root of the workspace.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
