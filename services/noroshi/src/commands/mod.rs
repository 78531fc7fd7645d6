//! What the command does: one file a subcommand.

pub mod audiences;
pub mod campaigns;
pub mod config;
pub mod demo;
pub mod emulator;
pub mod guard;
pub mod inconsistencies;
pub mod keys;
pub mod migrate;
mod on_api;
pub mod quotas;
pub mod up;
