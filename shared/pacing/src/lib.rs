//! How fast stores may be written to and gateways sent to: found out, laid down by their makers, or
//! asked for by those that suffer.
//!
//! [`Limit`] finds out how many commits may be under way at once. [`ramp`] holds writes back
//! while a store's key ranges are cold. [`guard`] holds all work back while a database falls
//! behind. [`quota`] divides what a gateway takes in a minute among processes.
//! [`forecast`](mod@forecast) says how long a campaign takes at such rates. All are pure: they are
//! told what happens and when, and answer with numbers.

mod errors;
pub mod forecast;
pub mod guard;
mod limit;
pub mod quota;
pub mod ramp;
mod shared;

pub use errors::{Calls, ErrorRatio};
pub use limit::{Learnt, Limit, Outcome};
pub use shared::SharedLimit;
