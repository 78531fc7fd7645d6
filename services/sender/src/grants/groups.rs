//! The groups in which a chunk's candidates are granted: one, unless a row of it is refused.
//!
//! A refused group is halved, and each half is a rendezvous of its own with an intent of its own.
//! One refused row among n costs at most 2 log2 n rendezvous more, and the others go through. Which
//! half comes first is left to chance, so that an attempt that is given up comes to others than the
//! one before.

use std::sync::Arc;

use super::candidate::Candidate;

/// The groups that are still to be granted, by place.
#[derive(Debug)]
pub(super) struct Groups(Vec<Arc<[Candidate]>>);

/// The half that comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    First,
    Second,
}

/// What became of a group that was refused.
#[derive(Debug)]
pub(super) enum Halved {
    /// Its halves come next.
    Parted,
    /// There is nobody else in it: it is this row that is refused.
    Alone(Candidate),
}

impl Groups {
    /// All candidates in one group.
    pub(super) fn of(candidates: Vec<Candidate>) -> Self {
        Self(vec![candidates.into()])
    }

    /// The group that comes next.
    pub(super) fn next(&mut self) -> Option<Arc<[Candidate]>> {
        self.0.pop()
    }

    /// Parts a group that was refused.
    pub(super) fn halve(&mut self, refused: &[Candidate], next: Half) -> Halved {
        if let [alone] = refused {
            return Halved::Alone(alone.clone());
        }
        let (first, second) = refused.split_at(refused.len() / 2);
        let (next, then) = match next {
            Half::First => (first, second),
            Half::Second => (second, first),
        };
        self.0.push(then.into());
        self.0.push(next.into());
        Halved::Parted
    }
}

#[cfg(test)]
mod tests {
    use campaign::PushId;
    use uuid::Uuid;

    use super::*;

    fn candidate(place: u16) -> Candidate {
        Candidate {
            push: PushId(Uuid::from_u128(place.into())),
            place,
            user: format!("user-{place}"),
        }
    }

    #[test]
    fn a_refused_row_among_many_is_found_and_everybody_else_goes_through() {
        for (refused, half) in [0, 1, 248, 249, 250, 498]
            .into_iter()
            .zip([Half::First, Half::Second].repeat(3))
        {
            let mut groups = Groups::of((0..499).map(candidate).collect());
            let (mut meetings, mut granted, mut alone) = (0, Vec::new(), Vec::new());

            while let Some(group) = groups.next() {
                meetings += 1;
                if !group.iter().any(|candidate| candidate.place == refused) {
                    granted.extend(group.iter().map(|candidate| candidate.place));
                } else if let Halved::Alone(candidate) = groups.halve(&group, half) {
                    alone.push(candidate.place);
                }
            }

            let others = (0..499).filter(|place| *place != refused);
            assert_eq!(alone, [refused]);
            granted.sort_unstable();
            assert_eq!(granted, others.collect::<Vec<_>>());
            assert!(meetings <= 1 + 2 * 9, "{meetings}");
        }
    }
}
