//! A pool of HTTP/2 connections to one gateway.
//!
//! An HTTP/2 connection carries about 100 requests at once, so at 50 ms of latency one connection
//! ends at 2,000 requests a second whatever the machine. The pool opens as many as the load asks
//! for, gives each request to the least loaded, and replaces those that the gateway closes or
//! that are old. A [`Slot`] is the right to one stream: whoever has to ask for something before
//! sending asks once the slot is there.

mod connection;
mod gathered;
mod growth;
mod line;
mod pool;
mod reach;
mod rounds;
mod slot;
mod state;
mod target;
mod trust;

pub(crate) use pool::Pool;
pub use pool::{PoolSettings, Proving};
pub(crate) use reach::{Reach, is_public};
pub(crate) use slot::{SendError, Slot};
pub use target::{Target, TargetError};
pub use trust::{Trust, TrustError};
