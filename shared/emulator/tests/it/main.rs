//! The servers as their users meet them: through their ports, their files and their deaths.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose world cannot be set up has failed"
)]

mod client;
mod durability;
mod http;
mod killable;
mod moments;
mod sink;
mod tasks_durability;
mod time;
mod views;
