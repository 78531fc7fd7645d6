//! Gateways on the wire: one push to one address, and what its gateway says.
//!
//! A gateway's "no" is a value, not an error: every answer maps to one [`Outcome`]. A client
//! here sends each message once; whether to try again is the sender's decision, which alone
//! knows the push's expiry. Addresses, texts and tokens never reach a log.
//!
//! ```text
//!   Gateways ─▶ fcm | apns | web_push ─▶ request ─▶ http2 (pool, connection) ─▶ response ─▶ Outcome
//!                       └─ credential, standing
//! ```

pub mod apns;
mod credential;
pub mod fcm;
mod gateways;
mod header;
mod http2;
mod now;
mod outcome;
mod outgoing;
mod standing;
pub mod web_push;

pub use credential::{KeyError, SigningKey};
pub use gateways::{Address, Gateways, Slot};
pub use http2::{PoolSettings, Proving, Target, TargetError, Trust, TrustError};
pub use now::Now;
pub use outcome::{Outcome, Scope, Unreachable, Whose};
pub use outgoing::Outgoing;
