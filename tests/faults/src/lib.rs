//! The proof that nothing is lost, doubled or forgotten, as a program.
//!
//! Each layer proves another part: [`model`] the commit protocol in every order of events,
//! [`simulation`] the decisions of all parts over many seeds, and the layers on real binaries and
//! real engines what becomes of them on machines. `RELIABILITY.md` says what was proven, by which
//! command, and what is not.

pub mod case;
pub mod command;
pub mod counts;
pub mod decisions;
pub mod engine;
pub mod fan_out;
pub mod import_kills;
pub mod job;
pub mod kill_loop;
pub mod killer;
pub mod matrix;
pub mod model;
pub mod play;
mod seed;
pub mod seeded;
pub mod simulation;
mod spread;
pub mod stage;

pub use journeys::wire;
