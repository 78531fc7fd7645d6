//! The runtime's shells, as the programs that use them meet them.

mod config;
mod sample;
