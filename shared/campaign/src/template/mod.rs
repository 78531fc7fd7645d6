//! Compiles a message's templates once, and renders them for each recipient.
//!
//! Templates are Jinja's expressions, filters and `if`, without loops, assignments and calls:
//! see [`language`]. So every template ends, in time and size bounded by its length and the
//! recipient's variables. Nothing is escaped: a push is plain text. A variable that the
//! recipient does not have is an error of that push and never an empty place in a sentence.

mod builtins;
mod compile;
mod language;
mod render;

pub use compile::Templates;
pub use render::{RenderError, RenderedMessage};
