//! What the guard asks of us, whatever the signals do.

use proptest::prelude::*;

use super::*;

const LAG: Band = Band {
    slow_from: 2.0,
    hold_at: 10.0,
};

fn throttle() -> Throttle {
    Throttle::new(Thresholds {
        replica_lag: LAG,
        threads_running: Band {
            slow_from: 25.0,
            hold_at: 50.0,
        },
        statement: Band {
            slow_from: 0.25,
            hold_at: 2.5,
        },
        datastore_errors: Band {
            slow_from: 0.1,
            hold_at: 0.5,
        },
    })
}

fn lag(seconds: f64) -> Signals {
    Signals {
        replica_lag: Some(seconds),
        ..Signals::default()
    }
}

fn threads(running: f64) -> Signals {
    Signals {
        threads_running: Some(running),
        ..Signals::default()
    }
}

fn statement(seconds: f64) -> Signals {
    Signals {
        statement: Some(seconds),
        ..Signals::default()
    }
}

#[test]
fn in_its_band_a_signal_takes_off_in_proportion() {
    let shares = [2.0, 4.0, 6.0, 8.0].map(|seconds| {
        let mut throttle = throttle();
        // A sample takes half of the share at most.
        throttle.learn(lag(seconds));
        throttle.learn(lag(seconds)).share
    });

    assert_eq!(shares, [1.0, 0.75, 0.5, 0.25]);
}

#[test]
fn a_lag_that_grows_counts_for_more_than_one_that_stays() {
    let mut throttle = throttle();

    let shares = [0.0, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0].map(|seconds| throttle.learn(lag(seconds)).share);

    assert_eq!(shares[1], 1.0, "it is not in its band");
    assert_eq!(shares[3], 0.0, "at a second a second, it will be at its end");
    assert!(shares[6] > 0.0, "{shares:?}");
}

#[test]
fn a_replica_that_is_stopped_holds_everything_at_once() {
    let mut throttle = throttle();

    let verdict = throttle.learn(lag(f64::INFINITY));

    assert_eq!(verdict.state(), State::Held);
    assert_eq!(verdict.cause, Some(Cause::ReplicaLag));
}

#[test]
fn one_slow_answer_is_no_alarm_and_two_are() {
    let mut throttle = throttle();
    throttle.learn(statement(0.01));

    let shares = [9.0, 0.01, 9.0, 9.0].map(|seconds| throttle.learn(statement(seconds)).share);

    assert_eq!(shares, [1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn the_cause_is_the_signal_that_asks_for_most_and_is_remembered_until_the_end() {
    let mut throttle = throttle();
    let both = Signals {
        threads_running: Some(30.0),
        datastore_errors: Some(0.4),
        ..Signals::default()
    };

    let slowed = throttle.learn(both);
    let recovering = throttle.learn(Signals::default());
    let free = (0..20).map(|_| throttle.learn(Signals::default())).last();

    assert_eq!(slowed.cause, Some(Cause::DatastoreErrors));
    assert_eq!(recovering.cause, Some(Cause::DatastoreErrors));
    assert!(recovering.share > slowed.share && recovering.state() == State::Slowed);
    assert_eq!(free, Some(Verdict::FREE));
}

#[test]
fn a_place_works_for_its_share_of_the_time() {
    let second = Duration::from_secs(1);

    assert_eq!(rest(second, 1.0), Some(Duration::ZERO));
    assert_eq!(rest(second, 0.25), Some(second * 3));
    assert_eq!(rest(second, 0.0), None);
}

/// Writes to a primary of which a replica applies so many in a second; the replica's lag is the age
/// of the oldest write that it lacks.
struct Replica {
    applies: f64,
    applied: f64,
    written: Vec<f64>,
}

impl Replica {
    fn second(&mut self, writes: f64) -> f64 {
        let before = self.written.last().copied().unwrap_or_default();
        self.written.push(before + writes);
        self.applied = (self.applied + self.applies).min(before + writes);
        let has = self.written.partition_point(|written| *written <= self.applied);
        (self.written.len() - has) as f64
    }
}

proptest! {
    #[test]
    fn nothing_that_is_below_its_band_slows_us_down(
        signals in prop::collection::vec((0.0..2.0, 0.0..25.0, 0.0..0.25, 0.0..0.1), 1..100),
    ) {
        let mut throttle = throttle();

        for (lag, threads, statement, errors) in signals {
            let verdict = throttle.learn(Signals {
                replica_lag: Some(lag),
                threads_running: Some(threads),
                statement: Some(statement),
                datastore_errors: Some(errors),
            });
            prop_assert_eq!(verdict, Verdict::FREE);
        }
    }

    #[test]
    fn the_share_stays_within_bounds_falls_to_nothing_at_the_end_and_rises_slowly(
        lags in prop::collection::vec(prop_oneof![0.0..20.0, Just(f64::INFINITY)], 1..200),
    ) {
        let mut throttle = throttle();
        let mut before = 1.0;

        for seconds in lags {
            let Verdict { share, cause } = throttle.learn(lag(seconds));
            prop_assert!((0.0..=1.0).contains(&share));
            prop_assert_eq!(cause.is_some(), share < 1.0);
            prop_assert!(share - before <= RISE + 1e-9);
            if seconds >= LAG.hold_at {
                prop_assert_eq!(share, 0.0);
            }
            if seconds < LAG.slow_from {
                prop_assert!(share >= before);
            }
            before = share;
        }
    }

    #[test]
    fn noise_of_a_tenth_moves_nothing_once_the_share_has_settled(
        level in 10.0..60.0,
        noise in prop::collection::vec(0.9..1.1, 200),
    ) {
        let mut throttle = throttle();
        // The worst of it has been seen.
        for _ in 0..50 {
            throttle.learn(threads(level * 1.1));
        }
        let settled = throttle.verdict.share;

        for noise in noise {
            prop_assert_eq!(throttle.learn(threads(level * noise)).share, settled);
        }
    }

    #[test]
    fn noise_of_a_tenth_of_a_lag_in_the_middle_of_its_band_holds_nothing(
        noise in prop::collection::vec(0.9..1.1, 200),
    ) {
        let mut throttle = throttle();

        for noise in noise {
            let share = throttle.learn(lag(5.0 * noise)).share;
            prop_assert!(share > 0.0);
        }
    }

    #[test]
    fn whatever_was_before_a_quiet_time_sets_us_free(
        before in prop::collection::vec(0.0..20.0, 0..100),
    ) {
        let mut throttle = throttle();
        for seconds in before {
            throttle.learn(lag(seconds));
        }

        let quiet = (0..21).map(|_| throttle.learn(lag(0.0))).last();

        prop_assert_eq!(quiet, Some(Verdict::FREE));
    }

    #[test]
    fn a_replica_that_is_too_slow_is_kept_busy_and_not_lost(
        load in 1.2..4.0,
        applies in 100.0..10_000.0,
    ) {
        let mut throttle = throttle();
        let mut replica = Replica { applies, applied: 0.0, written: Vec::new() };
        let mut share = 1.0;
        let mut applied_before = 0.0;

        for second in 0..600 {
            let behind = replica.second(share * load * applies);
            prop_assert!(behind <= LAG.hold_at, "{} s behind", behind);
            share = throttle.learn(lag(behind)).share;
            if second == 299 {
                applied_before = replica.applied;
            }
        }

        let used = (replica.applied - applied_before) / (300.0 * applies);
        prop_assert!(used > 0.7, "the replica was used to {}", used);
    }
}
