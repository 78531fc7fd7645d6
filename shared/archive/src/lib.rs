//! ZIP archives that are written in pieces, and gone on with by whoever takes over.
//!
//! A file's content is cut into [`Block`]s, and each is deflated by itself: so a block is a pure
//! function of its bytes, can be made on any thread, and nothing of a compressor has to be kept
//! between two. [`Archive`] puts blocks, names and sizes in their order; as JSON it is the place to
//! go on from. Whoever goes on there with the same blocks makes the same bytes.
//!
//! Names are UTF-8, times are left at ZIP's first day, and sizes from 4 GiB on are written in
//! Zip64's form, which is used only where they can come to be that large.

mod archive;
mod block;
mod record;

pub use archive::Archive;
pub use block::Block;
