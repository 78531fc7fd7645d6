//! The rules of a campaign from outside.

mod chunk;
mod message;
mod schedule;
mod tally;
mod templates;
