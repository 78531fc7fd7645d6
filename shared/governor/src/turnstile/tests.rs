//! Who gets through, and when.

use futures::poll;
use runtime::clock::ManualClock;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A turnstile on a clock that stands still, with a share of so many messages a second.
fn turnstile(per_second: u64) -> (Turnstile, ManualClock) {
    let hand = ManualClock::at("2026-07-01T12:00:00Z".parse().unwrap());
    let limit = Limit::Quota(600_000);
    let turnstile = Turnstile::new("fcm/test".to_owned(), limit, hand.clock(), Arc::default());
    give(&turnstile, per_second);
    (turnstile, hand)
}

fn give(turnstile: &Turnstile, per_second: u64) {
    let per_minute = 60 * per_second;
    let division = Division {
        share: per_minute,
        target: per_minute,
    };
    turnstile.answer(division, turnstile.clock.monotonic());
}

#[tokio::test]
async fn the_fast_lane_goes_first() {
    let (turnstile, hand) = turnstile(2);
    let mut bulk = Box::pin(turnstile.pass(Lane::Bulk));
    assert!(poll!(bulk.as_mut()).is_pending());
    let mut fast = Box::pin(turnstile.pass(Lane::Fast));
    assert!(poll!(fast.as_mut()).is_pending());

    // For one token, and a nanosecond more.
    hand.advance(SECOND / 2 + Duration::from_millis(1));
    let bulk_was_first = poll!(bulk.as_mut()).is_ready();
    fast.await;
    hand.advance(SECOND);
    bulk.await;

    assert!(!bulk_was_first);
}

#[tokio::test]
async fn without_a_share_nobody_gets_through_until_there_is_one() {
    let (turnstile, hand) = turnstile(100);
    hand.advance(5 * SECOND);
    let mut pass = Box::pin(turnstile.pass(Lane::Fast));

    let without = poll!(pass.as_mut()).is_ready();
    give(&turnstile, 100);
    hand.advance(SECOND);

    assert!(!without);
    pass.await;
}

#[tokio::test]
async fn who_waits_no_longer_takes_nothing() {
    let (turnstile, hand) = turnstile(1);
    let mut first = Box::pin(turnstile.pass(Lane::Bulk));
    assert!(poll!(first.as_mut()).is_pending());

    drop(first);
    hand.advance(SECOND);

    assert_eq!(turnstile.try_pass(Lane::Bulk), Ok(()));
    assert!(turnstile.try_pass(Lane::Bulk).is_err());
}

#[tokio::test]
async fn what_waits_and_what_has_passed_is_asked_for() {
    let (turnstile, hand) = turnstile(100);
    hand.advance(SECOND);
    for _ in 0..20 {
        turnstile.pass(Lane::Bulk).await;
    }
    let mut waiting: Vec<_> = (0..25).map(|_| Box::pin(turnstile.pass(Lane::Fast))).collect();
    for wait in &mut waiting {
        let _: std::task::Poll<()> = poll!(wait.as_mut());
    }

    let question = turnstile.ask();

    // 20 have passed in a second, and with those saved up, 5 of 25.
    let Demand { fast, bulk } = question.claim.demand;
    assert_eq!((fast, bulk), (25 * 75, 20 * 75));
    assert_eq!(question.claim.held, 6_000);
}

/// Of a message a minute the first takes longer than an attempt, whose chunk is soon there again.
#[tokio::test]
async fn whoever_went_away_before_its_turn_is_reckoned_with_for_a_minute() {
    let (turnstile, hand) = turnstile(0);

    {
        let mut pass = pin!(turnstile.pass(Lane::Bulk));
        assert!(poll!(&mut pass).is_pending());
    }
    hand.advance(30 * SECOND);
    let soon = turnstile.ask().claim.demand;
    hand.advance(31 * SECOND);
    let later = turnstile.ask().claim.demand;

    assert_eq!((soon.fast, soon.bulk), (0, 75));
    assert!(later.is_none());
}
