<<<<<<< HEAD
//! The servers as their users meet them: through their ports, their files and their deaths.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose world cannot be set up has failed"
)]

mod killable;
mod sink;
mod tasks_durability;
=======
//! The emulator from outside: what only a whole server shows, and what the conformance suite,
//! which must run on Google's as well, cannot ask.

mod client;
mod clock;
mod durability;
mod http;
mod moments;
mod time;
mod views;
>>>>>>> datastore
