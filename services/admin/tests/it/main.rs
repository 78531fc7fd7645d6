//! The API, as its clients meet it: over HTTP, on a database of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod audiences;
mod bad_input;
mod campaigns;
mod coupons;
mod document;
mod inconsistencies;
mod once;
mod outlook;
mod preview;
mod pushes;
mod reports;
mod stores;
mod transitions;
mod uploads;
mod users;
mod world;
