//! The wire that lies: proxies that lose, delay, double and cut what goes through them.
//!
//! Each stands between a client, which may be another process, and a real server: [`mysql`]
//! follows the transactions of each session, [`grpc`] knows what a call to Datastore or Cloud
//! Tasks is for, [`http`] takes requests as they are. Without a [`Rule`] a wire is transparent.
//! A rule says which requests are struck, and by which [`Fault`]; it is in force while its
//! [`Injected`] lives. Outages of the whole server are [`Proxy::cut`] and [`Proxy::refuse`].

mod exchange;
mod fault;
pub mod grpc;
pub mod http;
pub mod mysql;
mod proxy;
mod rule;
mod upstream;

pub use fault::{Fault, Fired};
pub use proxy::Proxy;
pub use rule::{Injected, Rule};
