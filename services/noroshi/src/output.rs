//! Standard output and standard error of the command.
//!
//! `println!` would panic when the reader of a pipe has gone (`noroshi config show | head -1`);
//! here that just ends the output.

use std::fmt::Display;
use std::io::{self, Write};

use runtime::telemetry::causes;

/// What was asked for, with a line end.
pub fn line(text: impl Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// What was asked for, as it is.
pub fn text(text: &str) {
    bytes(text.as_bytes());
}

/// A piece of what was asked for, as it is.
pub fn bytes(bytes: &[u8]) {
    let _ = io::stdout().write_all(bytes);
}

/// What the user should know beside it: on standard error.
pub fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Why it was not done, with the causes behind it: on standard error.
pub fn fault(error: &dyn std::error::Error) {
    note(causes(error));
}
