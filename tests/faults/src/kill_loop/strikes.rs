//! What struck whom, and when: the reasons for which a message may be sent twice.
//!
//! A process that dies or stands still leaves everything that it has handed over and not settled;
//! so does a reset connection to its gateway. A slip on the way of one message concerns that one
//! alone. Nothing else is a reason: what goes wrong with SQL happens before the first send or
//! after the last settle, and settling is tried again for as long as a lease lasts.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// What was on its way to the gateway arrives within this time after its process was struck.
const ON_ITS_WAY: Duration = Duration::from_millis(250);

/// Something that strikes all that a process has in hand.
#[derive(Clone, Copy, Debug)]
struct Strike {
    process: usize,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// All strikes of a loop.
#[derive(Clone, Debug, Default)]
pub(super) struct Strikes {
    processes: Vec<Strike>,
    /// Pushes whose message was delivered, and the answer lost; or was delivered twice.
    unanswered: HashSet<u128>,
    /// Pushes whose message was delivered later than it was handed over.
    held_up: HashSet<u128>,
}

impl Strikes {
    /// A process was struck in that time.
    pub(super) fn process(&mut self, process: usize, from: DateTime<Utc>, to: DateTime<Utc>) {
        self.processes.push(Strike {
            process,
            from,
            to: to + ON_ITS_WAY,
        });
    }

    /// The answer to the message of that push was lost, or the message doubled, on the way.
    pub(super) fn unanswered(&mut self, push: u128) {
        self.unanswered.insert(push);
    }

    /// The message of that push came late.
    pub(super) fn held_up(&mut self, push: u128) {
        self.held_up.insert(push);
    }

    /// Whether a message of the push may be sent again that the process handed over, where it was
    /// open in that time.
    pub(super) fn may_double(
        &self,
        process: usize,
        push: u128,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> bool {
        self.unanswered.contains(&push) || self.struck(process, from, to)
    }

    /// Whether a message of the push may have been handed over before `from` and have come at `to`.
    pub(super) fn may_delay(
        &self,
        process: usize,
        push: u128,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> bool {
        self.held_up.contains(&push) || self.struck(process, from, to)
    }

    fn struck(&self, process: usize, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.processes
            .iter()
            .any(|strike| strike.process == process && strike.from <= to && from <= strike.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_strike_explains_what_its_process_had_in_hand() {
        let mut strikes = Strikes::default();
        strikes.process(1, at(10), at(12));

        let may_double = |process, from, to| strikes.may_double(process, 7, at(from), at(to));

        assert!(may_double(1, 9, 10));
        assert!(may_double(1, 11, 20));
        assert!(!may_double(1, 13, 20));
        assert!(!may_double(1, 5, 9));
        assert!(!may_double(2, 9, 13));
    }

    #[test]
    fn a_slip_on_the_way_of_a_message_explains_that_one() {
        let mut strikes = Strikes::default();
        strikes.unanswered(7);
        strikes.held_up(8);

        let of = |push| {
            (
                strikes.may_double(0, push, at(1), at(2)),
                strikes.may_delay(0, push, at(1), at(2)),
            )
        };

        assert_eq!(
            [of(7), of(8), of(9)],
            [(true, false), (false, true), (false, false)]
        );
    }
}
