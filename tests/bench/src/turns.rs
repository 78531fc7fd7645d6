//! Whose turn it is.

/// All of `sides` in an order that begins with another one each round, so that nobody is always
/// the one who comes after the slowest.
pub(crate) fn in_turns(sides: usize, round: u64) -> impl Iterator<Item = usize> {
    let first = usize::try_from(round).unwrap_or_default();
    (0..sides).map(move |turn| (first + turn) % sides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_turn_and_each_round_begins_with_another() {
        let turns = |round| in_turns(3, round).collect::<Vec<_>>();

        assert_eq!(turns(0), [0, 1, 2]);
        assert_eq!(turns(1), [1, 2, 0]);
        assert_eq!(turns(5), [2, 0, 1]);
    }
}
