//! The passes from outside, on embedded stores in a directory of their own.

#![cfg(test)]

mod campaign;
mod erase;
mod import;
mod intents;
mod prune;
mod reconcile;
mod turns;
mod world;
