//! Who of a group has the coupon when its transaction commits.
//!
//! Decided under the lock of the chunk's row, from what was read there. Whoever has the grant
//! counts first, whatever the stock and the coupon's validity say now: it cannot be taken back.

use std::collections::HashSet;

use campaign::Places;

use super::candidate::Candidate;

/// Whether a coupon may be given to somebody who does not have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It may.
    Valid,
    /// Its time has not come, or is over.
    Invalid,
}

/// How a group's rendezvous ends for its candidates if it is committed. Whoever is in neither set
/// gets no coupon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Those who get it now and those who had it before: their pushes are raised.
    pub granted: Places,
    /// Those who are left out because they were erased.
    pub erased: Places,
}

/// Chooses among the candidates, of whom some have the grant, and some were erased, and says who
/// of them gets it now: as many as are `left`, in their order.
pub(super) fn choose<'a>(
    candidates: &'a [Candidate],
    have: &HashSet<String>,
    erased: &HashSet<String>,
    left: u32,
) -> (Chosen, Vec<&'a Candidate>) {
    let (erased, kept): (Vec<_>, Vec<_>) = candidates
        .iter()
        .partition(|candidate| erased.contains(&candidate.user));
    let (have, lack): (Vec<_>, Vec<_>) = kept
        .into_iter()
        .partition(|candidate| have.contains(&candidate.user));
    let new = lack.into_iter().take(left as usize).collect::<Vec<_>>();
    let chosen = Chosen {
        granted: places(have.iter().chain(&new).copied()),
        erased: places(erased),
    };
    (chosen, new)
}

fn places<'a>(candidates: impl IntoIterator<Item = &'a Candidate>) -> Places {
    candidates.into_iter().map(|candidate| candidate.place).collect()
}
