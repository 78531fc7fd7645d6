//! The Datastore side of a grant: at the rendezvous, and however often it is done again.

use campaign::{CampaignId, ChunkId, Places, Raised, Reason, Standing};
use push_store::{Afterwards, Commit, Redone};

use crate::engine::{World, at, on_every_engine, push};

on_every_engine! {
    what_is_raised_is_seen_when_it_is_committed_and_not_before
    of_two_transactions_on_a_chunk_one_at_most_holds
    a_redo_raises_what_is_missing_and_nothing_twice
    a_redo_for_no_chunk_says_so
    a_redo_for_a_push_that_is_not_there_says_so
}

async fn what_is_raised_is_seen_when_it_is_committed_and_not_before(world: &World) {
    let (chunk, _) = world.leased_chunk(3).await;
    let named = [push(&chunk, 0), push(&chunk, 2)];

    let mut kept = world.store.open(chunk.id, &named).await.unwrap().unwrap();
    let raised = named.map(|push| kept.raise(push, Standing::Granted, at(2)));
    let unnamed = kept.raise(push(&chunk, 1), Standing::Granted, at(2));
    let as_it_would_be = kept.chunk();
    assert!(matches!(kept.commit().await, Commit::Committed));
    let mut dropped = world
        .store
        .open(chunk.id, &[push(&chunk, 1)])
        .await
        .unwrap()
        .unwrap();
    dropped.raise(push(&chunk, 1), Standing::Granted, at(3));
    dropped.roll_back().await;

    assert_eq!((raised, unnamed), ([Raised::Raised; 2], Raised::Stays));
    let found = world.find(chunk.id).await;
    assert_eq!((found.tally.granted, found.tally.pending), (2, 1));
    assert_eq!(found, as_it_would_be);
}

/// A store that locks may refuse both, since each has read what the other writes. What was told
/// is true.
async fn of_two_transactions_on_a_chunk_one_at_most_holds(world: &World) {
    let (chunk, _) = world.leased_chunk(2).await;
    let open = async |place| {
        let opened = world.store.open(chunk.id, &[push(&chunk, place)]).await;
        opened.unwrap().unwrap()
    };
    let (mut first, mut second) = (open(0).await, open(1).await);
    first.raise(push(&chunk, 0), Standing::Granted, at(2));
    second.raise(push(&chunk, 1), Standing::Granted, at(2));

    let (first, second) = tokio::join!(first.commit(), second.commit());

    let held = [&first, &second].map(|commit| match commit {
        Commit::Committed => 1,
        Commit::NotCommitted(_) => 0,
        Commit::Unknown(error) => panic!("{error}"),
    });
    let held = held.iter().sum::<u64>();
    assert!(held <= 1, "{first:?}, {second:?}");
    assert_eq!(world.find(chunk.id).await.tally.granted, held);
}

async fn a_redo_raises_what_is_missing_and_nothing_twice(world: &World) {
    let (chunk, _) = world.leased_chunk(4).await;
    let sent = [(push(&chunk, 1), Standing::Settled(Reason::Accepted))];
    world.settle(chunk.id, &sent, Afterwards::GoOn, 2).await;
    let places: Places = [0, 1, 3].into_iter().collect();

    let first = world.store.redo_grants(chunk.id, &places, at(3)).await.unwrap();
    let again = world.store.redo_grants(chunk.id, &places, at(4)).await.unwrap();

    assert_eq!([first, again], [2, 0].map(|raised| Redone::Done { raised }));
    let pushes = world.store.list_pushes(chunk.id).await.unwrap();
    let standings: Vec<_> = pushes.iter().map(|push| push.standing).collect();
    let granted = Standing::Granted;
    assert_eq!(standings, [granted, sent[0].1, Standing::Pending, granted]);
}

async fn a_redo_for_no_chunk_says_so(world: &World) {
    let nowhere = ChunkId::of(CampaignId::allocate(), 0);
    let places: Places = [0].into_iter().collect();

    let redone = world.store.redo_grants(nowhere, &places, at(0)).await.unwrap();

    assert_eq!(redone, Redone::Missing);
}

async fn a_redo_for_a_push_that_is_not_there_says_so(world: &World) {
    let (chunk, _) = world.leased_chunk(2).await;
    let places: Places = [1, 2].into_iter().collect();

    let redone = world.store.redo_grants(chunk.id, &places, at(3)).await.unwrap();

    assert_eq!(redone, Redone::Missing);
    assert_eq!(world.find(chunk.id).await.tally.granted, 0);
}
