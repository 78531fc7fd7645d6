//! The audience file from outside: what is read, packed and reported.

mod expected;
