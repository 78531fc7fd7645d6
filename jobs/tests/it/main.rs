//! The passes from outside, on embedded stores in a directory of their own.

#![cfg(test)]

mod campaign;
mod erase;
mod fan_out;
mod feedback;
mod guard;
mod import;
mod intents;
mod prune;
mod ramp;
mod reconcile;
mod report;
mod turns;
mod world;
