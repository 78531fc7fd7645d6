//! The wire that lies, between our own clients and real servers: each fault does what it says,
//! and without one everything passes unharmed.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot go on has failed")]

mod grpc;
mod http;
mod mysql;
