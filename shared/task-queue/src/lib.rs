//! The task queue: hands a chunk to the sender, and tells the sender what it may believe.
//!
//! The queue owns nothing. A task's name is computed from its chunk and generation, so creating
//! it twice makes one task, and whatever the queue loses comes due again by the chunk's timer.
//! Anybody can send a handler the queue's headers, so only a signed token counts: see
//! [`Verifier`].

mod delivery;
mod queue;
mod token;

pub use delivery::Delivery;
pub use queue::{Enqueued, Error, Oidc, Settings, TaskQueue};
pub use token::{Expected, TokenError, Verifier};
