//! What the command does: one file a subcommand.

pub mod config;
pub mod demo;
pub mod emulator;
pub mod guard;
pub mod inconsistencies;
pub mod migrate;
pub mod up;
