//! Byte strings that sort as Datastore sorts.
//!
//! Comparing two encodings byte by byte gives the order that Datastore gives the keys and
//! values they stand for, so every engine needs only an ordered map of byte strings. Each part
//! says itself where it ends; parts can be put one behind the other, which is what an index
//! entry is: values, then the path of the entity.

pub(crate) mod bytes;
pub(crate) mod path;
pub(crate) mod value;
