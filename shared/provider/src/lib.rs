//! Gateways on the wire: one push to one address, and what its gateway says.
//!
//! A gateway's "no" is a value, not an error: every answer maps to one [`Outcome`]. A client
//! here sends each message once; whether to try again is the sender's decision, which alone
//! knows the push's expiry. Addresses, texts and tokens never reach a log.

pub mod fcm;
mod http2;
mod outcome;

pub use http2::{PoolSettings, Target, TargetError};
pub use outcome::{Outcome, Unreachable};
