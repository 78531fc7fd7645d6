//! A pool of HTTP/2 connections to one gateway.
//!
//! An HTTP/2 connection carries about 100 requests at once, so at 50 ms of latency one connection
//! ends at 2,000 requests a second whatever the machine. The pool opens several, gives each
//! request to the least loaded, and replaces those that the gateway closes. A [`Slot`] is the
//! right to one stream: whoever has to ask for something before sending asks once the slot is
//! there.

mod connection;
mod pool;
mod target;

pub use pool::PoolSettings;
pub(crate) use pool::{Pool, SendError, Slot};
pub(crate) use target::sensitive;
pub use target::{Target, TargetError};
