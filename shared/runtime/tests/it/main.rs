//! The runtime's shells, as the programs that use them meet them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod config;
mod job;
mod log;
mod process;
mod sample;
mod service;
