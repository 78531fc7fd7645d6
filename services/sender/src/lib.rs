//! Delivers chunks: the handler that the task queue calls.
//!
//! A task names a chunk. The sender takes the chunk's lease, grants coupons in SQL and raises
//! the pushes in Datastore at one rendezvous, hands each push to its gateway, and settles what
//! the gateway said. Every step may be cut off anywhere and done again by anybody: `deliver`
//! has the order in which that is so.

mod answer;
mod attempt;
mod campaigns;
mod deliver;
mod error;
pub mod grants;
mod handler;
mod load;
mod passage;
mod permit;
mod send;
mod sort;
mod totals;

pub use deliver::{Delivered, Sender};
pub use error::Error;
pub use handler::service;
