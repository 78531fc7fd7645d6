//! What is due is found, in order, by campaign and timer key; and handed over once.

use campaign::{CampaignId, ChunkId, Queued, SendTime, TimerShards};
use journeys::wire::grpc::{Step, commits};
use journeys::wire::{Fault, Rule};
use push_store::NewChunk;

use crate::engine::{HAND_OVER, World, at, new_chunk, on_every_engine};

on_every_engine! {
    due_chunks_come_by_timer_key_the_earliest_first
    a_page_of_due_chunks_has_a_limit
    a_chunk_is_handed_over_once_until_it_is_due_again
    a_hand_over_whose_answer_was_lost_is_found_done
    queued_chunks_are_counted_by_campaign_and_up_to_a_limit
    a_chunk_that_is_not_there_cannot_be_handed_over
}

/// Two timer keys.
const RECIPIENTS: u64 = 200_000;

fn due_at(campaign: CampaignId, no: u32, seconds: i64) -> NewChunk {
    NewChunk {
        timer: TimerShards::for_audience(RECIPIENTS).key(campaign, no),
        send_time: SendTime::At(at(seconds)),
        ..new_chunk(campaign, no, 1)
    }
}

async fn due_chunks_come_by_timer_key_the_earliest_first(world: &World) {
    let (campaign, other) = (CampaignId::allocate(), CampaignId::allocate());
    // Chunks of even numbers share a key.
    for (no, seconds) in [(0, 30), (2, 10), (4, 20), (6, 31), (1, 5)] {
        world
            .store
            .expand(due_at(campaign, no, seconds), at(0))
            .await
            .unwrap();
    }
    world.store.expand(due_at(other, 0, 1), at(0)).await.unwrap();
    let timer = TimerShards::for_audience(RECIPIENTS).key(campaign, 0);

    let due = world.store.list_due(timer, at(30), 10).await.unwrap();
    let earlier = world.store.list_due(timer, at(9), 10).await.unwrap();

    let numbers: Vec<_> = due.iter().map(|chunk| chunk.no).collect();
    assert_eq!(numbers, [2, 4, 0], "due at the very instant is due");
    assert_eq!(earlier, []);
    assert!(due.iter().all(|chunk| chunk.campaign == campaign));
}

async fn a_page_of_due_chunks_has_a_limit(world: &World) {
    let campaign = CampaignId::allocate();
    for no in [0, 2, 4] {
        let new = due_at(campaign, no, i64::from(no));
        world.store.expand(new, at(0)).await.unwrap();
    }
    let timer = TimerShards::for_audience(RECIPIENTS).key(campaign, 0);

    let due = world.store.list_due(timer, at(60), 2).await.unwrap();

    assert_eq!(due.iter().map(|chunk| chunk.no).collect::<Vec<_>>(), [0, 2]);
}

async fn a_chunk_is_handed_over_once_until_it_is_due_again(world: &World) {
    let chunk = world.chunk(1).await;
    let queue = async |seconds| {
        let queued = world.store.queue(chunk.id, at(seconds), HAND_OVER).await;
        queued.unwrap().unwrap()
    };

    let first = queue(0).await;
    let at_once = queue(1).await;
    let found = world.store.list_due(chunk.timer, at(59), 10).await.unwrap();
    let again = queue(60).await;

    let queued = |generation, seconds| Queued::Queued {
        generation,
        run_at: at(seconds),
    };
    assert_eq!(
        [first, at_once, again],
        [queued(0, 0), Queued::NotDue, queued(1, 60)]
    );
    assert_eq!(found, [], "its timer has moved by the pick-up time");
    assert_eq!(
        world.find(chunk.id).await.record.due_at,
        Some(at(180)),
        "which doubles"
    );
}

async fn a_hand_over_whose_answer_was_lost_is_found_done(world: &World) {
    let chunk = world.chunk(1).await;
    let (store, wire) = world.over_a_wire().await;

    let lost = wire.inject(Rule::new(Fault::DropReply, commits(Step::Queue)));
    let first = store.queue(chunk.id, at(0), HAND_OVER).await;
    let later = store.queue(chunk.id, at(1), HAND_OVER).await;

    let handed_over = Queued::Queued {
        generation: 0,
        run_at: at(0),
    };
    assert_eq!(lost.count(), 1);
    assert_eq!(first.unwrap(), Some(handed_over));
    assert_eq!(later.unwrap(), Some(Queued::NotDue));
}

async fn queued_chunks_are_counted_by_campaign_and_up_to_a_limit(world: &World) {
    let (campaign, other) = (CampaignId::allocate(), CampaignId::allocate());
    for new in [0, 1, 2]
        .map(|no| new_chunk(campaign, no, 1))
        .into_iter()
        .chain([new_chunk(other, 0, 1)])
    {
        let id = ChunkId::of(new.campaign, new.no);
        world.store.expand(new, at(0)).await.unwrap();
        world.store.queue(id, at(0), HAND_OVER).await.unwrap();
    }
    world
        .store
        .put_back(ChunkId::of(campaign, 2), 0, at(1))
        .await
        .unwrap();

    assert_eq!(world.store.count_queued(campaign, 10).await.unwrap(), 2);
    assert_eq!(world.store.count_queued(campaign, 1).await.unwrap(), 1);
    assert_eq!(
        world
            .store
            .count_queued(CampaignId::allocate(), 10)
            .await
            .unwrap(),
        0
    );
}

async fn a_chunk_that_is_not_there_cannot_be_handed_over(world: &World) {
    let nowhere = ChunkId::of(CampaignId::allocate(), 0);

    assert_eq!(world.store.queue(nowhere, at(0), HAND_OVER).await.unwrap(), None);
    assert_eq!(world.store.put_back(nowhere, 0, at(0)).await.unwrap(), None);
    assert_eq!(world.store.cancel(nowhere).await.unwrap(), None);
}
