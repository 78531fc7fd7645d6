//! What we show gateways to say who we are: signed tokens, and when they are made anew.

mod renewal;
mod signing;

pub(crate) use renewal::{Generation, Renewal, Verdict};
pub use signing::{KeyError, SigningKey};
