//! How fast a store may be written to: found out, or laid down by its maker.
//!
//! [`Limit`] finds out how many commits may be under way at once. [`ramp`] holds writes back
//! while a store's key ranges are cold. [`forecast`](mod@forecast) says how long a campaign takes at
//! such rates. All are pure: they are told what happens and when, and answer with numbers.

pub mod forecast;
mod limit;
pub mod ramp;
mod shared;

pub use limit::{Learnt, Limit, Outcome};
pub use shared::SharedLimit;
