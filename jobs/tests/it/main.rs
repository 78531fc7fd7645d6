//! The passes from outside, on embedded stores in a directory of their own.

#![cfg(test)]

mod import;
mod world;
