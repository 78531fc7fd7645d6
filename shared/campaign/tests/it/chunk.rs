//! A chunk under every order of events: hand-overs, leases, crashes, cancels.

use std::time::Duration;

use campaign::{ChunkRecord, ChunkState, HandOverTerms, LeaseTerms, LeaseToken, Leased, Mark, Queued};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

const TERMS: LeaseTerms = LeaseTerms {
    duration: Duration::from_secs(60),
    skew: Duration::from_secs(5),
};
const HAND_OVER: HandOverTerms = HandOverTerms {
    look_ahead: Duration::from_secs(30),
    pick_up: Duration::from_secs(60),
    pick_up_max: Duration::from_secs(30 * 60),
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn at_its_time() -> HandOverTerms {
    HandOverTerms {
        look_ahead: Duration::ZERO,
        ..HAND_OVER
    }
}

fn token(number: u128) -> LeaseToken {
    LeaseToken(Uuid::from_u128(number))
}

fn queued(generation: u32, run_at: i64) -> Queued {
    Queued::Queued {
        generation,
        run_at: at(run_at),
    }
}

#[test]
fn a_chunk_is_handed_over_leased_and_done() {
    let mut chunk = ChunkRecord::new(at(100));

    assert_eq!(chunk.queue(at(100), HAND_OVER), queued(0, 100));
    assert_eq!(chunk.due_at, Some(at(160)), "the pick-up time is a minute");
    assert_eq!(
        chunk.lease(0, token(1), at(101), TERMS),
        Leased::Leased { until: at(161) }
    );
    assert_eq!(chunk.due_at, Some(at(166)), "the lease's end and the skew");
    assert_eq!(chunk.close(token(1)), Mark::Applied);
    assert_eq!(
        (chunk.state, chunk.due_at, chunk.lease),
        (ChunkState::Done, None, None)
    );
    assert_eq!(chunk.queue(at(9_999), HAND_OVER), Queued::Closed);
    assert_eq!(chunk.lease(0, token(2), at(9_999), TERMS), Leased::Closed);
}

#[test]
fn a_waiting_chunk_is_handed_over_ahead_of_its_time_and_runs_at_it() {
    let mut chunk = ChunkRecord::new(at(100));

    assert_eq!(chunk.queue(at(69), HAND_OVER), Queued::NotDue);
    assert_eq!(chunk.queue(at(70), HAND_OVER), queued(0, 100));
    assert_eq!(
        chunk.queue(at(71), HAND_OVER),
        Queued::NotDue,
        "another dispatcher finds it done"
    );
    assert_eq!(chunk.lease(0, token(1), at(99), TERMS), Leased::Early);
    assert_eq!(chunk.put_back(0, at(99)), Mark::Applied);
    assert_eq!((chunk.due_at, chunk.generation), (Some(at(100)), 1));
}

#[test]
fn hand_overs_that_nobody_picks_up_come_rarer_and_rarer() {
    let mut chunk = ChunkRecord::new(at(0));
    let mut now = at(0);
    let mut minutes = Vec::new();

    for generation in 0..7 {
        let run_at = now;
        assert_eq!(chunk.queue(now, HAND_OVER), Queued::Queued { generation, run_at });
        let due_at = chunk.due_at.unwrap();
        minutes.push((due_at - now).num_minutes());
        now = due_at;
    }

    assert_eq!(minutes, [1, 2, 4, 8, 16, 30, 30]);
}

/// Behind a queue that is slower than the longest pick-up time.
#[test]
fn the_first_task_that_comes_is_met_however_often_its_chunk_was_handed_over_since() {
    let mut chunk = ChunkRecord::new(at(0));
    chunk.queue(at(0), HAND_OVER);
    chunk.queue(at(60), HAND_OVER);
    assert_eq!(chunk.queue(at(180), HAND_OVER), queued(2, 180));
    let until = at(260);

    assert_eq!(chunk.lease(3, token(1), at(200), TERMS), Leased::Stale);
    assert_eq!(chunk.lease(0, token(1), at(200), TERMS), Leased::Leased { until });
    assert_eq!(
        chunk.lease(0, token(1), at(201), TERMS),
        Leased::Leased { until },
        "a repeat"
    );
    assert_eq!(chunk.lease(2, token(2), at(201), TERMS), Leased::Busy);
    assert_eq!(chunk.rearm(token(1), at(300)), Mark::Applied);
    assert_eq!(chunk.queue(at(300), HAND_OVER), queued(3, 300));
    for met in 0..3 {
        assert_eq!(chunk.lease(met, token(3), at(301), TERMS), Leased::Stale);
        assert_eq!(chunk.put_back(met, at(301)), Mark::Stale);
    }
}

#[test]
fn a_chunk_whose_holder_fell_silent_is_handed_over_again() {
    let mut chunk = ChunkRecord::new(at(0));
    chunk.queue(at(0), HAND_OVER);
    chunk.lease(0, token(1), at(0), TERMS);

    assert_eq!(
        chunk.queue(at(64), HAND_OVER),
        Queued::NotDue,
        "the clocks may differ"
    );
    assert_eq!(chunk.queue(at(65), HAND_OVER), queued(1, 65));
    assert_eq!(chunk.lease(0, token(2), at(66), TERMS), Leased::Stale);
    assert_eq!(
        chunk.close(token(1)),
        Mark::Stale,
        "the former holder has lost it"
    );
    assert_eq!(chunk.rearm(token(1), at(70)), Mark::Stale);
}

#[test]
fn a_second_copy_of_a_task_finds_the_chunk_busy() {
    let mut chunk = ChunkRecord::new(at(0));
    chunk.queue(at(0), HAND_OVER);
    let until = at(60);

    assert_eq!(chunk.lease(0, token(1), at(0), TERMS), Leased::Leased { until });
    assert_eq!(chunk.lease(0, token(2), at(59), TERMS), Leased::Busy);
    assert_eq!(
        chunk.lease(0, token(1), at(59), TERMS),
        Leased::Leased { until },
        "a repeat"
    );
    assert_eq!(
        chunk.lease(0, token(2), at(60), TERMS),
        Leased::Leased { until: at(120) },
        "the queue's retry of the task takes over what ran out"
    );
}

#[test]
fn what_is_left_waits_for_its_back_off_under_the_next_generation() {
    let mut chunk = ChunkRecord::new(at(0));
    chunk.queue(at(0), HAND_OVER);
    chunk.lease(0, token(1), at(0), TERMS);

    assert_eq!(chunk.rearm(token(1), at(40)), Mark::Applied);
    assert_eq!(chunk.state, ChunkState::Waiting);
    assert_eq!((chunk.due_at, chunk.not_before), (Some(at(40)), at(40)));
    assert_eq!(chunk.lease(0, token(2), at(41), TERMS), Leased::Stale);
    assert_eq!(chunk.queue(at(20), HAND_OVER), queued(1, 40));
}

#[test]
fn a_paused_campaigns_chunk_is_put_back_at_its_send_time() {
    let mut chunk = ChunkRecord::new(at(0));
    chunk.queue(at(0), HAND_OVER);

    assert_eq!(chunk.put_back(7, at(10)), Mark::Stale);
    assert_eq!(chunk.put_back(0, at(10)), Mark::Applied);
    assert_eq!(chunk.put_back(0, at(10)), Mark::Stale, "a repeat");
    assert_eq!((chunk.state, chunk.generation), (ChunkState::Waiting, 1));
    assert_eq!(chunk.due_at, Some(at(10)));
}

#[test]
fn a_cancel_takes_the_chunk_from_its_holder_and_leaves_a_done_one() {
    let mut leased = ChunkRecord::new(at(0));
    leased.queue(at(0), HAND_OVER);
    leased.lease(0, token(1), at(0), TERMS);
    let mut done = leased;
    done.close(token(1));

    assert_eq!(leased.cancel(), Mark::Applied);
    assert_eq!(leased.cancel(), Mark::Stale);
    assert_eq!(leased.close(token(1)), Mark::Stale);
    assert_eq!(done.cancel(), Mark::Stale);
    assert_eq!(done.state, ChunkState::Done);
}

#[test]
fn a_settled_chunk_is_closed_by_anybody_unless_it_is_leased() {
    let waiting = ChunkRecord::new(at(0));
    let mut leased = waiting;
    leased.queue(at(0), HAND_OVER);
    leased.lease(0, token(1), at(0), TERMS);
    let until = leased.lease.map(|lease| lease.until);
    let close = |mut chunk: ChunkRecord, now| (chunk.close_unheld(now), chunk.state);

    assert_eq!(close(waiting, at(0)), (Mark::Applied, ChunkState::Done));
    assert_eq!(close(leased, at(1)), (Mark::Stale, ChunkState::Leased));
    assert_eq!(close(leased, until.unwrap()), (Mark::Applied, ChunkState::Done));
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Pass { seconds: i64 },
    Queue,
    Lease { behind: u32, token: u128 },
    Rearm { token: u128, seconds: i64 },
    PutBack { behind: u32 },
    Close { token: u128 },
    CloseUnheld,
    Cancel,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let token = || 1..4_u128;
    let event = prop_oneof![
        4 => (0..90_i64).prop_map(|seconds| Event::Pass { seconds }),
        4 => Just(Event::Queue),
        4 => (0..2_u32, token()).prop_map(|(behind, token)| Event::Lease { behind, token }),
        2 => (token(), -10..90_i64).prop_map(|(token, seconds)| Event::Rearm { token, seconds }),
        2 => (0..2_u32).prop_map(|behind| Event::PutBack { behind }),
        1 => token().prop_map(|token| Event::Close { token }),
        1 => Just(Event::CloseUnheld),
        1 => Just(Event::Cancel),
    ];
    prop::collection::vec(event, 1..60)
}

/// Applies the event; says whether it was refused, and whose token it bore.
fn apply(chunk: &mut ChunkRecord, event: Event, now: DateTime<Utc>) -> (bool, Option<LeaseToken>) {
    let generation = |behind: u32| chunk.generation.saturating_sub(behind);
    match event {
        Event::Pass { .. } => (true, None),
        Event::Queue => (
            !matches!(chunk.queue(now, HAND_OVER), Queued::Queued { .. }),
            None,
        ),
        Event::Lease {
            behind,
            token: number,
        } => {
            let leased = chunk.lease(generation(behind), token(number), now, TERMS);
            (!matches!(leased, Leased::Leased { .. }), Some(token(number)))
        }
        Event::Rearm {
            token: number,
            seconds,
        } => {
            let mark = chunk.rearm(token(number), now + TimeDelta::seconds(seconds));
            (mark == Mark::Stale, Some(token(number)))
        }
        Event::PutBack { behind } => (chunk.put_back(generation(behind), now) == Mark::Stale, None),
        Event::Close { token: number } => (chunk.close(token(number)) == Mark::Stale, Some(token(number))),
        Event::CloseUnheld => (chunk.close_unheld(now) == Mark::Stale, None),
        Event::Cancel => (chunk.cancel() == Mark::Stale, None),
    }
}

proptest! {
    #[test]
    fn no_order_of_events_breaks_a_chunk(events in events()) {
        let mut chunk = ChunkRecord::new(at(20));
        let mut now = at(0);

        for event in events {
            if let Event::Pass { seconds } = event {
                now += TimeDelta::seconds(seconds);
            }
            let before = chunk;
            let (is_refused, by) = apply(&mut chunk, event, now);

            prop_assert!(!is_refused || chunk == before, "a refusal changes nothing");
            prop_assert!(chunk.generation >= before.generation, "generations never fall");
            prop_assert!(chunk.not_before >= before.not_before, "send times never come nearer");
            prop_assert_eq!(chunk.due_at.is_none(), chunk.state.is_closed(), "only the closed have no timer");
            prop_assert_eq!(chunk.lease.is_some(), chunk.state == ChunkState::Leased);
            prop_assert!(!before.state.is_closed() || chunk == before, "the closed stay closed");
            if let Some(lease) = before.lease.filter(|_| before.is_leased(now) && chunk != before) {
                let is_cancel = matches!(event, Event::Cancel);
                prop_assert!(is_cancel || by == Some(lease.token), "a live lease is its token's");
            }
            if chunk.state == ChunkState::Leased && before.state != ChunkState::Leased {
                prop_assert!(now >= chunk.not_before, "nothing is sent before its time");
            }
        }
    }

    #[test]
    fn every_open_chunk_comes_due_and_can_be_finished(events in events()) {
        let mut chunk = ChunkRecord::new(at(20));
        let mut now = at(0);
        for event in events {
            if let Event::Pass { seconds } = event {
                now += TimeDelta::seconds(seconds);
            }
            apply(&mut chunk, event, now);
        }

        if let Some(due_at) = chunk.due_at {
            let now = due_at.max(now);
            let Queued::Queued { generation, run_at } = chunk.queue(now, at_its_time()) else {
                panic!("due and not handed over: {chunk:?}");
            };
            let leased = chunk.lease(generation, token(9), run_at, TERMS);

            let until = run_at + TERMS.duration;
            prop_assert_eq!(leased, Leased::Leased { until });
            prop_assert_eq!(chunk.close(token(9)), Mark::Applied);
        }
    }
}
