//! Others' clients against our sink, and our clients against others' servers, so that what two
//! parts of ours agree on is what everybody else means.
//!
//! `tests/run` installs them and names their directory; without it these tests have nothing to do.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot go on has failed")]

mod apns;
mod fcm;
mod program;
mod sink;
mod web_push;
