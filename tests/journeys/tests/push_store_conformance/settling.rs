//! Pushes get their final state once, the chunk's counts move with them, and the chunk ends or
//! comes again.

use campaign::{ChunkState, LeaseToken, Mark, Reason, Standing};
use push_store::{Afterwards, AttemptCount};

use crate::engine::{HAND_OVER, World, at, on_every_engine, push, tally};

on_every_engine! {
    results_are_settled_in_parts_and_counted
    the_chunk_that_is_returned_is_the_chunk_that_is_stored
    a_chunk_with_something_left_comes_due_again
    a_chunk_with_nothing_left_is_done
    a_chunk_that_others_settled_is_closed_when_nobody_holds_it
    the_first_final_state_stays
    late_results_of_a_former_holder_apply_and_leave_the_chunk_alone
    a_cancelled_chunk_keeps_its_pushes_and_takes_late_results
}

const SENT: Standing = Standing::Settled(Reason::Accepted);

fn give_back(token: LeaseToken, seconds: i64, count: AttemptCount) -> Afterwards {
    Afterwards::GiveBack {
        token,
        at: at(seconds),
        count,
    }
}

async fn results_are_settled_in_parts_and_counted(world: &World) {
    let (chunk, _) = world.leased_chunk(5).await;
    let gone = Standing::Settled(Reason::Unregistered);
    let settle = async |results: &[_]| world.settle(chunk.id, results, Afterwards::GoOn, 2).await;

    let first = settle(&[(push(&chunk, 0), SENT), (push(&chunk, 1), gone)]).await;
    let second = settle(&[(push(&chunk, 2), SENT)]).await;

    assert_eq!(
        first.tally,
        tally(&[(Standing::Pending, 3), (SENT, 1), (gone, 1)])
    );
    assert_eq!(
        second.tally,
        tally(&[(Standing::Pending, 2), (SENT, 2), (gone, 1)])
    );
    assert!(chunk.version < first.version && first.version < second.version);
    assert_eq!(second.record, chunk.record, "it stays leased");
    let pushes = world.store.list_pushes(chunk.id).await.unwrap();
    let settled: Vec<_> = pushes.iter().map(|push| push.settled_at).collect();
    assert_eq!(settled, [Some(at(2)), Some(at(2)), Some(at(2)), None, None]);
}

/// Totals are replaced by version: one that is said to be older than it is would be lost.
async fn the_chunk_that_is_returned_is_the_chunk_that_is_stored(world: &World) {
    let (chunk, token) = world.leased_chunk(2).await;
    let results = [(push(&chunk, 0), SENT)];

    let settled = world.settle(chunk.id, &results, Afterwards::GoOn, 2).await;
    assert_eq!(world.find(chunk.id).await, settled);

    let left = give_back(token, 9, AttemptCount::Counted);
    let given_back = world.settle(chunk.id, &[], left, 3).await;
    assert_eq!(world.find(chunk.id).await, given_back);

    let (_, cancelled) = world.store.cancel(chunk.id).await.unwrap().unwrap();
    assert_eq!(world.find(chunk.id).await, cancelled);
}

async fn a_chunk_with_something_left_comes_due_again(world: &World) {
    let (chunk, token) = world.leased_chunk(2).await;
    let results = [(push(&chunk, 0), SENT)];

    let left = give_back(token, 40, AttemptCount::Counted);
    let given_back = world.settle(chunk.id, &results, left, 2).await;

    assert_eq!(given_back.record.state, ChunkState::Waiting);
    assert_eq!((given_back.record.generation, given_back.attempts), (1, 1));
    assert_eq!(
        (given_back.record.due_at, given_back.record.not_before),
        (Some(at(40)), at(40))
    );
    assert_eq!(world.store.list_due(chunk.timer, at(39), 1).await.unwrap(), []);
    assert_eq!(
        world.store.list_due(chunk.timer, at(40), 1).await.unwrap().len(),
        1
    );
}

async fn a_chunk_with_nothing_left_is_done(world: &World) {
    let (chunk, token) = world.leased_chunk(2).await;
    let results = [(push(&chunk, 0), SENT), (push(&chunk, 1), SENT)];

    let over = give_back(token, 40, AttemptCount::NotCounted);
    let done = world.settle(chunk.id, &results, over, 2).await;

    assert_eq!(
        (done.record.state, done.record.due_at, done.record.lease),
        (ChunkState::Done, None, None)
    );
    assert!(done.is_settled());
    assert_eq!(world.store.list_due(chunk.timer, at(9_999), 1).await.unwrap(), []);
}

async fn a_chunk_that_others_settled_is_closed_when_nobody_holds_it(world: &World) {
    let (chunk, _) = world.leased_chunk(2).await;
    let close = async |seconds| {
        let closed = world.store.close_settled(chunk.id, at(seconds)).await;
        let (mark, closed) = closed.unwrap().unwrap();
        assert_eq!(world.find(chunk.id).await, closed);
        (mark, closed.record.state)
    };
    world.store.erase(chunk.id, push(&chunk, 0), at(2)).await.unwrap();

    let unsettled = close(99).await;
    world.store.erase(chunk.id, push(&chunk, 1), at(3)).await.unwrap();
    let held = close(3).await;
    let unheld = close(99).await;

    assert_eq!(unsettled, (Mark::Stale, ChunkState::Leased));
    assert_eq!(held, (Mark::Stale, ChunkState::Leased));
    assert_eq!(unheld, (Mark::Applied, ChunkState::Done));
}

async fn the_first_final_state_stays(world: &World) {
    let (chunk, _) = world.leased_chunk(1).await;
    let settle = async |standing| {
        let results = [(push(&chunk, 0), standing)];
        world.settle(chunk.id, &results, Afterwards::GoOn, 2).await
    };

    let first = settle(Standing::Settled(Reason::Unregistered)).await;
    let second = settle(SENT).await;
    let third = settle(Standing::Granted).await;

    assert_eq!((&second, &third), (&first, &first));
    let pushes = world.store.list_pushes(chunk.id).await.unwrap();
    assert_eq!(pushes[0].standing.reason(), Some(Reason::Unregistered));
}

async fn late_results_of_a_former_holder_apply_and_leave_the_chunk_alone(world: &World) {
    let (chunk, former) = world.leased_chunk(2).await;
    world.store.queue(chunk.id, at(66), HAND_OVER).await.unwrap();
    let taken_over = world.find(chunk.id).await;
    let results = [(push(&chunk, 0), SENT), (push(&chunk, 1), SENT)];

    let over = give_back(former, 99, AttemptCount::Counted);
    let late = world.settle(chunk.id, &results, over, 67).await;

    assert_eq!(late.tally, tally(&[(SENT, 2)]));
    assert_eq!((late.record, late.attempts), (taken_over.record, 0));
}

async fn a_cancelled_chunk_keeps_its_pushes_and_takes_late_results(world: &World) {
    let (chunk, token) = world.leased_chunk(3).await;
    let (mark, cancelled) = world.store.cancel(chunk.id).await.unwrap().unwrap();
    let (again, _) = world.store.cancel(chunk.id).await.unwrap().unwrap();
    let results = [(push(&chunk, 0), SENT)];

    let over = give_back(token, 99, AttemptCount::NotCounted);
    let late = world.settle(chunk.id, &results, over, 67).await;

    assert_eq!((mark, again), (Mark::Applied, Mark::Stale));
    assert!(chunk.version < cancelled.version && cancelled.version < late.version);
    assert_eq!(cancelled.tally, tally(&[(Standing::Pending, 3)]));
    assert_eq!(late.tally, tally(&[(Standing::Pending, 2), (SENT, 1)]));
    assert_eq!(late.record.state, ChunkState::Cancelled);
}
