//! What the documentation promises, what a queue must do, and what may never shorten the work.

use proptest::prelude::*;

use super::*;

/// Recipients of a full chunk.
const CHUNK: u64 = 499;

/// Faster than anything.
const AT_ONCE: f64 = 1e12;

fn noon() -> DateTime<Utc> {
    "2026-07-01T12:00:00Z".parse().unwrap()
}

fn after(seconds: u64) -> DateTime<Utc> {
    noon() + Duration::from_secs(seconds)
}

/// Pushes that are due so many seconds after noon, and too late so many after that.
fn batch(pushes: u64, due: u64, lifetime: u64) -> Batch {
    Batch {
        pushes,
        due_at: after(due),
        expires_at: after(due + lifetime),
    }
}

/// A campaign of which nothing is made yet.
fn new_work(batches: Vec<Batch>) -> Work {
    let pushes: u64 = batches.iter().map(|batch| batch.pushes).sum();
    Work {
        begins_at: noon(),
        unexpanded: pushes,
        writes: pushes + pushes.div_ceil(CHUNK),
        batches,
    }
}

/// One of which everything is made.
fn made_work(batches: Vec<Batch>) -> Work {
    Work {
        unexpanded: 0,
        writes: 0,
        ..new_work(batches)
    }
}

fn at(deliveries: f64) -> Speed {
    Speed {
        writes: AT_ONCE,
        ramp: None,
        deliveries,
    }
}

const WEEK: u64 = 7 * 86_400;

#[test]
fn a_cold_store_takes_as_long_as_the_documentation_says() {
    let cold = Speed {
        ramp: Some(Duration::ZERO),
        ..at(AT_ONCE)
    };
    let takes = |pushes| {
        let forecast = forecast(&new_work(vec![batch(pushes, 0, WEEK)]), cold);
        (forecast.expanded_at - noon()).num_seconds()
    };

    assert_eq!(takes(100_000), 3 * 60 + 20);
    let minutes = [1_000_000, 10_000_000, 100_000_000].map(|pushes| (takes(pushes) + 30) / 60);
    assert_eq!(minutes, [18, 43, 71]);
}

#[test]
fn a_store_that_is_slower_than_its_ramp_decides_by_itself() {
    let slow = Speed {
        writes: 400.0,
        ramp: Some(Duration::ZERO),
        ..at(AT_ONCE)
    };

    let forecast = forecast(&new_work(vec![batch(499_000, 0, WEEK)]), slow);

    assert_eq!(forecast.expanded_at, after(1_250));
}

#[test]
fn what_is_made_early_is_delivered_while_the_rest_is_made() {
    // 500 a second come in, 1,000 could leave: the last leaves as it comes in.
    let starved = Speed {
        writes: 500.0,
        ..at(1_000.0)
    };
    // 1,000 a second come in, 500 leave.
    let pressed = Speed {
        writes: 1_000.0,
        ..at(500.0)
    };
    let work = Work {
        writes: 100_000,
        ..new_work(vec![batch(100_000, 0, WEEK)])
    };

    assert_eq!(forecast(&work, starved).delivered_at, after(200));
    assert_eq!(forecast(&work, pressed).delivered_at, after(200));
}

#[test]
fn a_ramp_that_outruns_the_senders_leaves_them_a_queue() {
    let speed = Speed {
        ramp: Some(Duration::ZERO),
        ..at(750.0)
    };
    let work = Work {
        writes: 500_000,
        ..new_work(vec![batch(500_000, 0, WEEK)])
    };

    let forecast = forecast(&work, speed);

    // 150,000 in the first five minutes, as they come; from then on 750 a second.
    let delivered = 300_000 + ((500_000 - 150_000) as f64 / 0.75).round() as i64;
    assert!(forecast.expanded_at < forecast.delivered_at);
    assert_eq!((forecast.delivered_at - noon()).num_milliseconds(), delivered);
}

#[test]
fn nobody_is_delivered_before_the_time() {
    let tokyo_then_paris = made_work(vec![batch(1_000, 60, WEEK), batch(1_000, 3_600, WEEK)]);

    let forecast = forecast(&tokyo_then_paris, at(100.0));

    let delivered: Vec<_> = forecast.batches.iter().map(|batch| batch.delivered_at).collect();
    assert_eq!(delivered, [after(70), after(3_610)]);
}

#[test]
fn a_batch_that_is_due_while_another_is_delivered_waits_for_it() {
    let work = made_work(vec![batch(1_000, 0, WEEK), batch(100, 5, WEEK)]);

    let forecast = forecast(&work, at(100.0));

    let delivered: Vec<_> = forecast.batches.iter().map(|batch| batch.delivered_at).collect();
    assert_eq!(delivered, [after(10), after(11)]);
}

#[test]
fn what_cannot_be_delivered_before_it_expires_is_said() {
    let work = made_work(vec![batch(1_000, 0, 4), batch(600, 10, 5), batch(10, 20, 0)]);

    let forecast = forecast(&work, at(100.0));

    let late: Vec<_> = forecast.batches.iter().map(|batch| batch.late).collect();
    assert_eq!(late, [600, 100, 10]);
}

#[test]
fn of_nothing_nothing_is_left() {
    let forecast = forecast(&new_work(Vec::new()), at(1.0));

    assert_eq!((forecast.expanded_at, forecast.delivered_at), (noon(), noon()));
}

/// Batches in the order of their times.
fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let one = (0_u64..3_000_000, 0_u64..50_000, 0_u64..50_000);
    proptest::collection::vec(one, 1..8).prop_map(|mut batches| {
        batches.sort_unstable_by_key(|(_, due, _)| *due);
        let batches = batches.into_iter();
        batches
            .map(|(pushes, due, lifetime)| batch(pushes, due, lifetime))
            .collect()
    })
}

fn speed() -> impl Strategy<Value = Speed> {
    let ramp = proptest::option::of((0_u64..6_000).prop_map(Duration::from_secs));
    (10.0..100_000.0, ramp, 10.0..100_000.0).prop_map(|(writes, ramp, deliveries)| Speed {
        writes,
        ramp,
        deliveries,
    })
}

/// Instants are rounded.
const ROUNDING: TimeDelta = TimeDelta::milliseconds(1);

proptest! {
    #[test]
    fn more_pushes_are_never_done_earlier(
        batches in batches(), speed in speed(), which in any::<prop::sample::Index>(), more in 1_u64..1_000_000,
    ) {
        let fewer = forecast(&new_work(batches.clone()), speed);
        let mut grown = batches;
        let which = which.index(grown.len());
        grown[which].pushes += more;
        let more = forecast(&new_work(grown), speed);

        prop_assert!(more.expanded_at + ROUNDING >= fewer.expanded_at);
        prop_assert!(more.delivered_at + ROUNDING >= fewer.delivered_at);
    }

    #[test]
    fn what_goes_faster_is_never_done_later(batches in batches(), speed in speed(), factor in 1.0..10.0) {
        let work = new_work(batches);
        let slower = forecast(&work, speed);
        for faster in [
            Speed { writes: speed.writes * factor, ..speed },
            Speed { deliveries: speed.deliveries * factor, ..speed },
            Speed { ramp: None, ..speed },
        ] {
            let faster = forecast(&work, faster);

            prop_assert!(faster.expanded_at <= slower.expanded_at + ROUNDING);
            prop_assert!(faster.delivered_at <= slower.delivered_at + ROUNDING);
        }
    }

    #[test]
    fn no_batch_is_done_before_it_is_due_made_and_carried(batches in batches(), speed in speed()) {
        let work = new_work(batches);

        let forecast = forecast(&work, speed);

        let mut pushes = 0;
        for (batch, outlook) in work.batches.iter().zip(&forecast.batches) {
            pushes += batch.pushes;
            let carried = noon() + TimeDelta::microseconds((pushes as f64 / speed.deliveries * 1e6) as i64);
            prop_assert!(outlook.delivered_at + ROUNDING >= batch.due_at);
            prop_assert!(outlook.delivered_at + ROUNDING >= forecast.expanded_at);
            prop_assert!(outlook.delivered_at + ROUNDING >= carried);
        }
    }

    #[test]
    fn late_are_those_whose_batch_is_not_done_when_it_expires(batches in batches(), speed in speed()) {
        let work = new_work(batches);

        let forecast = forecast(&work, speed);

        for (batch, outlook) in work.batches.iter().zip(&forecast.batches) {
            prop_assert!(outlook.late <= batch.pushes);
            if outlook.delivered_at <= batch.expires_at {
                prop_assert!(outlook.late <= 1, "{batch:?} {outlook:?}");
            }
            if batch.expires_at <= batch.due_at {
                prop_assert_eq!(outlook.late, batch.pushes);
            }
        }
    }

    #[test]
    fn a_longer_life_makes_nobody_late(batches in batches(), speed in speed(), longer in 0_u64..100_000) {
        let late = |longer| {
            let mut batches = batches.clone();
            for batch in &mut batches {
                batch.expires_at += Duration::from_secs(longer);
            }
            let forecast = forecast(&new_work(batches), speed);
            forecast.batches.iter().map(|batch| batch.late).sum::<u64>()
        };

        // Each batch is rounded by itself.
        prop_assert!(late(longer) <= late(0) + batches.len() as u64);
    }
}
