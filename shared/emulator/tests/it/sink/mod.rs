//! The gateway over its port: what it takes, what it refuses and how, what it writes down.

mod durability;
mod faults;
mod requests;
mod wire;
mod world;
