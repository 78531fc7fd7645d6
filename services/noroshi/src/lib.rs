//! The `noroshi` command: everything in one process, and the tools of its operator.
//!
//! Standard output carries what was asked for and nothing else; progress, faults and the log go
//! to standard error. How a command ended is its exit code, see [`runtime::ExitCode`].

pub mod again;
pub mod api;
pub mod cli;
pub mod commands;
pub mod download;
pub mod installation;
pub mod memory;
pub mod output;
pub mod progress;
pub mod table;
