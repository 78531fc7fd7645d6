//! Tasks that are wrong, late or double: answered, and nothing is sent twice.

use std::time::Duration;

use campaign::{CampaignId, ChunkState, Lane};
use chrono::TimeDelta;
use journeys::world::{Tasks, World, until, users};
use serde_json::json;

use crate::stamp::on_all_stores;

on_all_stores! {
    a_task_for_a_chunk_that_does_not_exist_is_dropped
    a_task_of_another_generation_is_ignored
    a_task_that_is_delivered_twice_sends_nothing_twice
}

async fn a_task_for_a_chunk_that_does_not_exist_is_dropped(world: &World) {
    let campaign = waiting(world).await;

    let task = Tasks::delivery(campaign, 99, 0);
    world.tasks().slip_in(Lane::Fast, task, world.clock().now()).await;
    world.tasks().are_answered().await;

    world.clock().advance(Duration::from_secs(300));
    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 150)]);
}

async fn a_task_of_another_generation_is_ignored(world: &World) {
    let campaign = waiting(world).await;

    // The first hand-over that is to come, and one that is far ahead.
    for (chunk, generation) in [(0, 0), (1, 7)] {
        let task = Tasks::delivery(campaign, chunk, generation);
        world.tasks().slip_in(Lane::Bulk, task, world.clock().now()).await;
    }
    world.tasks().are_answered().await;
    assert_eq!(world.gateway().accepted(), []);

    world.clock().advance(Duration::from_secs(300));
    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 150)]);
}

async fn a_task_that_is_delivered_twice_sends_nothing_twice(world: &World) {
    let audience = world.audience_with_devices(&users(80)).await;
    world.gateway().play(&json!({"delay": {"fixed_ms": 500}})).await;

    let campaign = world.campaign(audience).coupon(None).start().await;
    let generation = leased(world, campaign).await;
    let copy = Tasks::delivery(campaign, 0, generation);
    world.tasks().slip_in(Lane::Bulk, copy, world.clock().now()).await;

    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 80)]);
    world.tasks().are_answered().await;
    assert_eq!(world.gateway().counts().await.accepted, 80);
}

/// A campaign that runs, whose two chunks are due in five minutes.
async fn waiting(world: &World) -> CampaignId {
    let audience = world.audience_with_devices(&users(150)).await;
    let time = world.clock().now() + TimeDelta::minutes(5);
    let campaign = world.campaign(audience).at(time).start().await;
    world
        .until(campaign, "all are expanded", |progress| progress.expanded == 150)
        .await;
    campaign
}

/// Waits until a sender has the first chunk, and says under which generation.
async fn leased(world: &World, campaign: CampaignId) -> u32 {
    until("a sender has the chunk", async || {
        let found = world.push_store().list_chunks(campaign, &[0]).await.unwrap();
        let record = found.first()?.record;
        (record.state == ChunkState::Leased).then_some(record.generation)
    })
    .await
}
