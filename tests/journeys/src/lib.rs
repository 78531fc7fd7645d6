//! What the suite needs to act like a user: the engines to run on, and the world around them.

pub mod engines;
