//! The load guard: what it holds begins later, and nothing of it is lost.
//!
//! What it has found is made up here; in `replication` it is found.

use std::process::Command;

use campaign::{CampaignId, ChunkId, ChunkState};
use chrono::TimeDelta;
use journeys::binaries::binary;
use journeys::world::view::AudienceView;
use journeys::world::{Stores, TOKEN, World, until, users};
use runtime::guard::{Cause, Status, Verdict};
use serde_json::Value;

/// Longer than passes, polls and tasks wait.
const A_WHILE: TimeDelta = TimeDelta::seconds(3);

#[tokio::test]
async fn while_everything_is_held_nothing_begins_and_a_pause_is_answered() {
    let world = unwatched().await;
    let audience = world.audience_with_devices(&users(300)).await;
    let_begin(&world, 0.0);

    let campaign = world.campaign(audience).coupon(None).start().await;
    let next = world.audience().of(&users(200)).upload().await;
    let while_held = after_a_while(&world, campaign).await;
    world.api().turn(campaign, "pause").await;
    world.api().turn(campaign, "resume").await;
    let waiting: AudienceView = world.api().get(&format!("/v1/audiences/{next}")).await;
    let_begin(&world, 1.0);

    world.finished(campaign).await;
    world.api().until_ready(next).await;
    assert_eq!(while_held, 0);
    assert_ne!(waiting.state, "ready");
    world.end().await;
}

/// Its attempts are not counted, and the queue's places not kept.
#[tokio::test]
async fn a_task_that_is_held_puts_its_chunk_back_for_later() {
    let world = unwatched().await;
    let audience = world.audience_with_devices(&users(50)).await;
    let time = world.clock().now() + TimeDelta::seconds(20);
    let campaign = world.campaign(audience).at(time).start().await;
    let chunk = async || {
        let chunks = world.push_store().list_chunks(campaign, &[0]).await.unwrap();
        chunks.into_iter().next()
    };
    until("its task is in the queue", async || {
        chunk()
            .await
            .filter(|chunk| chunk.record.state == ChunkState::Queued)
    })
    .await;

    let_begin(&world, 0.0);
    world.clock().advance_to(time);
    let put_back = until("the chunk is put back", async || {
        chunk().await.filter(|chunk| chunk.record.generation > 0)
    })
    .await;
    let accepted_before = world.gateway().accepted().len();
    let_begin(&world, 1.0);
    world.clock().advance_to(put_back.record.not_before);

    let progress = world.finished(campaign).await;
    assert_eq!(put_back.id, ChunkId::of(campaign, 0));
    assert_eq!(put_back.record.state, ChunkState::Waiting);
    assert!(put_back.record.not_before >= time + TimeDelta::seconds(5));
    assert_eq!((put_back.attempts, accepted_before), (0, 0));
    assert_eq!(progress.outcomes(), [("accepted", 50)]);
    world.end().await;
}

#[tokio::test]
async fn while_everything_is_slowed_a_small_campaign_gets_through() {
    let world = unwatched().await;
    let_begin(&world, 0.05);
    let audience = world.audience_with_devices(&users(150)).await;

    let campaign = world.campaign(audience).coupon(100).start().await;
    let progress = world.api().progress(campaign).await;
    let told = command(&world).await;

    assert_eq!(told["state"], "slowed");
    assert_eq!(told["share"], 0.05);
    assert_eq!(progress.guard.state, "slowed");
    assert_eq!(progress.guard.cause.as_deref(), Some("replica_lag"));
    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 100), ("coupon_exhausted", 50)]);
    world.end().await;
}

/// What `noroshi guard status` tells.
async fn command(world: &World) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, TOKEN).unwrap();
    let mut command = Command::new(binary("noroshi"));
    command
        .args([
            "guard",
            "status",
            "--json",
            "--api",
            world.api().url(),
            "--token-file",
        ])
        .arg(token)
        .env_clear();
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    serde_json::from_slice(&output.unwrap().unwrap().stdout).unwrap()
}

/// A world in which nothing is watched, so that what is made up stays.
async fn unwatched() -> World {
    let world = World::start_with(Stores::Optimistic, |settings| {
        settings
            .set("guard.enabled", false)
            .set("dispatch.look_ahead", "30s")
    });
    world.await.unwrap()
}

fn let_begin(world: &World, share: f64) {
    let cause = (share < 1.0).then_some(Cause::ReplicaLag);
    world.guard().publish(Status {
        verdict: Verdict { share, cause },
        ..Status::default()
    });
}

/// Pushes of a campaign when all who might begin have had the time to.
async fn after_a_while(world: &World, campaign: CampaignId) -> u64 {
    let over_at = world.clock().now() + A_WHILE;
    until("a while is over", async || {
        (world.clock().now() > over_at).then_some(())
    })
    .await;
    world.api().progress(campaign).await.expanded
}
