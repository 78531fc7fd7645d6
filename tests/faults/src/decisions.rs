//! Decisions that sender and jobs take in the midst of their I/O.
//!
//! The model and the simulator run the product's own code wherever it is pure. What is not yet
//! is written here, once, and stands for the code that each item names.

use campaign::Places;

/// Who of a chunk's candidates has the coupon when the transaction commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Those who get it now.
    pub new: Places,
    /// Those, and whoever had it before: all whose pushes are to be raised.
    pub granted: Places,
}

/// Chooses under the lock of `chunk_grants`: who has the grant already counts first, then as
/// many of the others as are `left`, in the order of `candidates`.
///
/// Stands for `sender::grants::choice::choose`.
pub fn choose(candidates: &[u16], has: impl Fn(u16) -> bool, left: u32) -> Chosen {
    let left = usize::try_from(left).unwrap_or(usize::MAX);
    let (have, lack): (Vec<u16>, Vec<u16>) = candidates.iter().copied().partition(|place| has(*place));
    let new = &lack[..lack.len().min(left)];
    Chosen {
        new: new.iter().copied().collect(),
        granted: have.iter().chain(new).copied().collect(),
    }
}

/// What a chunk that wants `wanted` coupons can have of a stock.
///
/// Stands for `database::coupon::Coupon::available`.
pub fn available(stock: u32, reserved: u32, wanted: u32) -> u32 {
    wanted.min(stock.saturating_sub(reserved))
}
