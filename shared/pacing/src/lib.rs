//! How fast a store may be written to: found out, laid down by its maker, or asked for by those
//! that suffer.
//!
//! [`Limit`] finds out how many commits may be under way at once. [`ramp`] holds writes back
//! while a store's key ranges are cold. [`guard`] holds all work back while a database falls
//! behind. [`forecast`](mod@forecast) says how long a campaign takes at such rates. All are pure:
//! they are told what happens and when, and answer with numbers.

mod errors;
pub mod forecast;
pub mod guard;
mod limit;
pub mod ramp;
mod shared;

pub use errors::{Calls, ErrorRatio};
pub use limit::{Learnt, Limit, Outcome};
pub use shared::SharedLimit;
