//! What a shard holds: the grants of its users and what belongs to one transaction with them.
//!
//! A shard is a [`crate::Db`] like the main database and may be the same one. Nothing here reads
//! a table of the main database.

pub mod chunk_grants;
pub mod coupon_grant;
pub mod intent;
