//! The rules of a campaign from outside.

#![cfg(test)]

mod chunk;
mod message;
mod schedule;
mod tally;
mod templates;
