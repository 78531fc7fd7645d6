//! What the rule says, and that no order of asking gets around it.

use proptest::prelude::*;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn noon() -> DateTime<Utc> {
    "2026-07-01T12:00:00Z".parse().unwrap()
}

/// The longest time on the ramp that properties are tried with: all of its steps.
const WHOLE_SECONDS: u64 = 300 * 19;

#[test]
fn the_rate_is_500_and_half_as_many_again_every_5_minutes() {
    let rates = [0, 4, 5, 10, 15].map(|minutes| rate_at(MINUTE * minutes));

    assert_eq!(rates, [500.0, 500.0, 750.0, 1_125.0, 1_687.5]);
}

#[test]
fn a_million_writes_take_18_minutes_at_first() {
    let takes = time_for(1_000_000, Duration::ZERO);

    // 150,000 + 225,000 + 337,500 in 15 minutes, and 287,500 at 1,687.5 a second.
    assert!((17 * MINUTE..18 * MINUTE).contains(&takes), "{takes:?}");
}

#[test]
fn a_pause_is_no_credit_and_no_progress() {
    let mut ramp = Ramp::default();
    ramp.admit(500, noon());
    let after_a_pause = noon() + MINUTE * 60;

    let first = ramp.admit(500, after_a_pause);
    let second = ramp.admit(500, after_a_pause);

    assert_eq!((first, second), (after_a_pause, after_a_pause + MINUTE / 60));
    assert_eq!(ramp.elapsed, Duration::from_secs(3));
}

#[test]
fn it_ends_when_a_million_writes_a_second_were_carried() {
    let mut ramp = Ramp {
        elapsed: STEP * STEPS - Duration::from_secs(1),
        ..Ramp::default()
    };
    let last = rate_at(ramp.elapsed);

    let before = ramp.is_over();
    ramp.admit(last as u64 + 1, noon());
    let busy = ramp.free_at;
    ramp.admit(u64::MAX, noon());

    assert!(last > 700_000.0 && last * GROWTH > 1_000_000.0);
    assert!(!before && ramp.is_over());
    assert_eq!(ramp.free_at, busy, "a warm store takes any number at once");
}

proptest! {
    #[test]
    fn the_rate_only_rises(at in 0..WHOLE_SECONDS, later in 0_u64..10_000) {
        let (at, later) = (Duration::from_secs(at), Duration::from_secs(at + later));

        prop_assert!(rate_at(at) <= rate_at(later));
    }

    #[test]
    fn the_time_for_writes_is_as_long_as_writes_are_allowed(
        writes in 0_u64..500_000_000, from in 0..WHOLE_SECONDS,
    ) {
        let from = Duration::from_secs(from);

        let until = from + time_for(writes, from);

        if until < STEP * STEPS {
            let allowed = writes_until(until) - writes_until(from);
            let off = (allowed - writes as f64).abs();
            prop_assert!(off <= 1.0 + writes as f64 * 1e-6, "{allowed} for {writes}");
        }
    }

    #[test]
    fn in_parts_or_whole_takes_as_long(parts in proptest::collection::vec(0_u64..100_000, 0..40)) {
        let (mut in_parts, mut whole) = (Ramp::default(), Ramp::default());

        for part in &parts {
            in_parts.admit(*part, noon());
        }
        whole.admit(parts.iter().sum(), noon());

        let off = in_parts.elapsed.abs_diff(whole.elapsed);
        prop_assert!(off < Duration::from_millis(1), "{off:?}");
    }

    #[test]
    fn whoever_asks_when_no_more_is_begun_than_the_rule_allows(
        asks in proptest::collection::vec((0_u64..20_000, 0_u64..60_000), 1..60),
    ) {
        let mut ramp = Ramp::default();
        let (mut now, mut begun) = (noon(), Vec::new());

        for (writes, waits_ms) in asks {
            now += Duration::from_millis(waits_ms);
            begun.push((ramp.admit(writes, now), writes));
        }

        // In any span from one beginning to another, what began in it, the last apart, fits the
        // rate at its end.
        for (first, (from, _)) in begun.iter().enumerate() {
            for (last, (until, _)) in begun.iter().enumerate().skip(first) {
                let writes: u64 = begun[first..last].iter().map(|(_, writes)| writes).sum();
                let span = (*until - *from).to_std().unwrap().as_secs_f64();
                let fits = rate_at(ramp.elapsed) * span + 1.0;
                prop_assert!(writes as f64 <= fits, "{writes} in {span} s");
            }
        }
    }
}
