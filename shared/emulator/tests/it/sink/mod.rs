//! The gateway over its port: what it takes, what it refuses and how, what it writes down.

mod apns;
mod durability;
mod faults;
mod requests;
mod token;
mod web_push;
mod wire;
mod world;
