//! The emulator from outside: what only a whole server shows, and what the conformance suite,
//! which must run on Google's as well, cannot ask.

mod client;
mod clock;
mod durability;
mod http;
mod moments;
mod time;
mod views;
