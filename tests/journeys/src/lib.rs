//! What the suite needs to act like a user: the engines to run on, the binaries as an operator
//! starts them, and the world around them.

pub mod binaries;
pub mod engines;
pub mod processes;
pub mod world;
