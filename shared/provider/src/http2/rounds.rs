//! Whether further connections help: pure rules.
//!
//! While every stream is taken, as many answers as there are streams come in the time that one
//! answer takes; that is a round. Where the gateway's latency sets the pace, a round lasts as
//! long with twice the connections, and twice as much is answered in it. Where the gateway or this
//! machine has no more to give, a round lasts longer with each connection, and nothing is gained.

use std::time::Duration;

/// Since the pool was made.
type Moment = Duration;

/// The fastest round of so long ago is forgotten, at the latest after twice as long: a gateway may
/// be slower today.
const REMEMBERED: Duration = Duration::from_secs(30);

/// A round that lasts longer than so many times the fastest tells that nothing is gained.
const SLOWER: u32 = 2;

/// The rounds of a pool.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    current: Option<Round>,
    /// How long the last one took, if all connections were there in it.
    last: Option<Duration>,
    fastest: Option<Duration>,
    /// Of the time before.
    fastest_before: Option<Duration>,
    remembered_since: Option<Moment>,
}

/// The round that goes on.
#[derive(Clone, Copy, Debug)]
struct Round {
    began: Moment,
    answers: usize,
    /// Whether it began at the end of another. Answers come in bunches, and one that began
    /// somewhere in a bunch tells nothing.
    counts: bool,
}

impl Round {
    fn new(began: Moment, counts: bool) -> Self {
        Self {
            began,
            answers: 0,
            counts,
        }
    }
}

impl Rounds {
    /// All streams are taken, and somebody waits.
    pub(super) fn begin(&mut self, now: impl FnOnce() -> Moment) {
        if self.current.is_none() {
            self.current = Some(Round::new(now(), false));
        }
    }

    /// Nobody waits any more.
    pub(super) fn interrupt(&mut self) {
        self.current = None;
    }

    /// A connection was added.
    pub(super) fn widen(&mut self) {
        self.interrupt();
        self.last = None;
    }

    /// One more was answered while so many streams were taken; whether that ended a round that
    /// counts.
    pub(super) fn answered(&mut self, taken: usize, now: impl FnOnce() -> Moment) -> bool {
        let Some(round) = &mut self.current else {
            return false;
        };
        round.answers += 1;
        if round.answers < taken {
            return false;
        }
        let (ended, now) = (*round, now());
        *round = Round::new(now, true);
        if ended.counts {
            self.end(now - ended.began, now);
        }
        ended.counts
    }

    fn end(&mut self, round: Duration, now: Moment) {
        self.last = Some(round);
        if now - *self.remembered_since.get_or_insert(now) > REMEMBERED {
            self.remembered_since = Some(now);
            self.fastest_before = self.fastest.take();
        }
        self.fastest = Some(self.fastest.map_or(round, |fastest| fastest.min(round)));
    }

    /// Whether further connections would be answered as fast as those that there are.
    pub(super) fn leave_room(&self) -> bool {
        let fastest = self.fastest.into_iter().chain(self.fastest_before).min();
        self.last
            .zip(fastest)
            .is_some_and(|(last, fastest)| last <= fastest * SLOWER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds with so many streams each, and how many milliseconds each takes.
    fn rounds(rounds: &mut Rounds, now: &mut Moment, lengths: &[(usize, u64)]) -> Vec<bool> {
        let mut left_room = Vec::new();
        for (streams, milliseconds) in lengths {
            rounds.widen();
            rounds.begin(|| *now);
            // What is left of a bunch, and then a whole one.
            assert!((0..*streams).all(|_| !rounds.answered(*streams, || *now)));
            *now += Duration::from_millis(*milliseconds);
            let ended = (0..*streams).filter(|_| rounds.answered(*streams, || *now));
            assert_eq!(ended.count(), 1);
            left_room.push(rounds.leave_room());
        }
        left_room
    }

    #[test]
    fn further_connections_help_as_long_as_answers_come_as_fast() {
        let mut now = Moment::ZERO;

        let by_latency = rounds(
            &mut Rounds::default(),
            &mut now,
            &[(100, 50), (200, 51), (400, 60)],
        );
        let by_the_machine = rounds(
            &mut Rounds::default(),
            &mut now,
            &[(100, 10), (200, 20), (400, 40)],
        );

        assert_eq!(by_latency, [true, true, true]);
        assert_eq!(by_the_machine, [true, true, false]);
    }

    #[test]
    fn nothing_is_known_before_the_end_of_a_round_with_all_connections() {
        let mut now = Moment::ZERO;
        let mut known = Rounds::default();

        let before = known.leave_room();
        rounds(&mut known, &mut now, &[(100, 50)]);
        let after = known.leave_room();
        known.widen();

        assert_eq!((before, after, known.leave_room()), (false, true, false));
    }

    #[test]
    fn a_gateway_that_has_become_slower_is_given_further_connections_after_a_while() {
        let mut now = Moment::ZERO;
        let mut known = Rounds::default();
        let slower = (100, 20_000);

        rounds(&mut known, &mut now, &[(100, 50)]);
        let left_room = rounds(&mut known, &mut now, &[slower; 5]);

        assert_eq!((left_room.first(), left_room.last()), (Some(&false), Some(&true)));
    }
}
