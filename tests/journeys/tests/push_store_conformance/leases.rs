//! One sender at a time, and a way back for who may not or cannot go on.

use campaign::{ChunkState, LeaseToken, Leased, Mark, Queued};

use crate::engine::{HAND_OVER, LEASE, World, at, on_every_engine};

on_every_engine! {
    a_lease_keeps_everybody_else_out
    of_several_at_once_one_gets_the_lease
    a_chunk_that_was_put_back_is_due_under_its_next_generation
    a_lease_that_ran_out_is_taken_over
    a_closed_chunk_is_leased_to_nobody
}

async fn lease(world: &World, chunk: campaign::ChunkId, generation: u32, seconds: i64) -> Leased {
    let token = LeaseToken::allocate();
    let leased = world
        .store
        .lease(chunk, generation, token, at(seconds), LEASE)
        .await;
    leased.unwrap().unwrap().0
}

async fn a_lease_keeps_everybody_else_out(world: &World) {
    let (chunk, token) = world.leased_chunk(1).await;

    let mine_again = world
        .store
        .lease(chunk.id, 0, token, at(2), LEASE)
        .await
        .unwrap()
        .unwrap();

    assert_eq!(mine_again.0, Leased::Leased { until: at(61) });
    assert_eq!(lease(world, chunk.id, 0, 2).await, Leased::Busy);
    assert_eq!(lease(world, chunk.id, 1, 2).await, Leased::Stale);
    let queued = world.store.queue(chunk.id, at(65), HAND_OVER).await.unwrap();
    assert_eq!(queued, Some(Queued::NotDue), "clocks may differ");
    assert_eq!(world.find(chunk.id).await.record, chunk.record);
}

async fn of_several_at_once_one_gets_the_lease(world: &World) {
    let chunk = world.chunk(1).await;
    world.store.queue(chunk.id, at(0), HAND_OVER).await.unwrap();

    let (a, b, c) = tokio::join!(
        lease(world, chunk.id, 0, 1),
        lease(world, chunk.id, 0, 1),
        lease(world, chunk.id, 0, 1),
    );

    let outcomes = [a, b, c];
    let busy = outcomes.iter().filter(|outcome| **outcome == Leased::Busy);
    assert_eq!(busy.count(), 2, "{outcomes:?}");
    assert!(outcomes.contains(&Leased::Leased { until: at(61) }));
}

async fn a_chunk_that_was_put_back_is_due_under_its_next_generation(world: &World) {
    let chunk = world.chunk(1).await;
    world.store.queue(chunk.id, at(0), HAND_OVER).await.unwrap();

    let stale = world.store.put_back(chunk.id, 1, at(5)).await.unwrap();
    let applied = world.store.put_back(chunk.id, 0, at(5)).await.unwrap();

    assert_eq!((stale, applied), (Some(Mark::Stale), Some(Mark::Applied)));
    let due = world.store.list_due(chunk.timer, at(5), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(
        (due[0].record.state, due[0].record.generation),
        (ChunkState::Waiting, 1)
    );
    assert_eq!(lease(world, chunk.id, 0, 6).await, Leased::Stale);
}

async fn a_lease_that_ran_out_is_taken_over(world: &World) {
    let (chunk, _) = world.leased_chunk(1).await;

    let queued = world.store.queue(chunk.id, at(66), HAND_OVER).await.unwrap();

    let (generation, run_at) = (1, at(66));
    assert_eq!(queued, Some(Queued::Queued { generation, run_at }));
    assert_eq!(lease(world, chunk.id, 0, 67).await, Leased::Stale);
    assert_eq!(
        lease(world, chunk.id, 1, 67).await,
        Leased::Leased { until: at(127) }
    );
}

async fn a_closed_chunk_is_leased_to_nobody(world: &World) {
    let (chunk, _) = world.leased_chunk(1).await;

    let (mark, _) = world.store.cancel(chunk.id).await.unwrap().unwrap();

    assert_eq!(mark, Mark::Applied);
    assert_eq!(lease(world, chunk.id, 0, 2).await, Leased::Closed);
    let queued = world.store.queue(chunk.id, at(900), HAND_OVER).await.unwrap();
    assert_eq!(queued, Some(Queued::Closed));
    assert_eq!(world.store.list_due(chunk.timer, at(900), 10).await.unwrap(), []);
}
