//! What the command does: one file a subcommand.

pub mod config;
pub mod migrate;
pub mod up;
