//! The gateways' clients on the wire: against the sink, which is as strict as the real ones, and
//! for the pool against a server that says how it was used.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot go on has failed")]

mod apns;
mod fcm;
mod pool;
mod server;
mod web_push;
mod world;
