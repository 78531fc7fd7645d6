//! Passes while the load guard slows them down.

use std::time::Duration;

use jobs::{dispatch, fan_out, import};
use runtime::guard::{Cause, Status, Verdict};

use crate::world::World;

/// Of a hundred chunks.
const USERS: u32 = 1_000;

async fn world() -> World {
    World::with(|config| {
        config.fan_out.mutations = 11.try_into().unwrap();
        config.fan_out.in_flight = 1.try_into().unwrap();
    })
    .await
}

fn file() -> String {
    let rows = (0..USERS).map(|user| format!("u{user}\n"));
    format!("user_id\n{}", rows.collect::<String>())
}

fn let_begin(world: &World, share: f64) {
    let cause = (share < 1.0).then_some(Cause::Statement);
    world.backends.guard.publish(Status {
        verdict: Verdict { share, cause },
        ..Status::default()
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_held_keeps_its_lease_and_goes_on_when_it_may() {
    let world = world().await;
    let audience = world.upload(file().as_bytes()).await;
    let_begin(&world, 0.0);
    let process = world.process_with(|_| {});
    let tasks = process.process.tasks.clone();
    let pass = tasks.spawn(async move { import::run(&process).await.unwrap() });

    // Longer than a lease lasts.
    let kept_until = world.backends.process.clock.now() + Duration::from_secs(25);
    world
        .until(async || {
            world.hand.advance(Duration::from_millis(100));
            world.leased_until(audience).await > Some(kept_until)
        })
        .await;
    let while_held = world.audience(audience).await.progress.chunk_count;
    let_begin(&world, 1.0);
    pass.await.unwrap();

    assert_eq!(while_held, 0);
    assert_eq!(world.audience(audience).await.progress.size, u64::from(USERS));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_held_lets_go_when_its_process_stops() {
    let world = world().await;
    let audience = world.upload(file().as_bytes()).await;
    let_begin(&world, 0.0);
    let process = world.process_with(|_| {});
    let (tasks, stop) = (process.process.tasks.clone(), process.process.stop.clone());
    let pass = tasks.spawn(async move { import::run(&process).await.unwrap() });
    world
        .until(async || world.leased_until(audience).await.is_some())
        .await;

    stop.request();
    pass.await.unwrap();
    let_begin(&world, 1.0);
    import::run(&world.backends).await.unwrap();

    assert_eq!(world.audience(audience).await.progress.size, u64::from(USERS));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fan_out_that_is_held_begins_no_chunk_until_it_may() {
    let world = world().await;
    let audience = world.upload(file().as_bytes()).await;
    import::run(&world.backends).await.unwrap();
    let campaign = world.start_campaign(audience).await;
    let_begin(&world, 0.0);
    let process = world.process_with(|_| {});
    let tasks = process.process.tasks.clone();
    let pass = tasks.spawn(async move { fan_out::run(&process).await.unwrap() });

    // It naps, and asks what runs.
    let over_at = world.backends.process.clock.now() + Duration::from_secs(5);
    world
        .until(async || {
            world.hand.advance(Duration::from_millis(50));
            world.backends.process.clock.now() > over_at
        })
        .await;
    let while_held = world.pushes(campaign).await.len();
    let_begin(&world, 1.0);
    world
        .until(async || {
            world.hand.advance(Duration::from_millis(50));
            !world.pushes(campaign).await.is_empty()
        })
        .await;
    let report = pass.await.unwrap();

    assert_eq!(while_held, 0);
    assert_eq!(report.pushes, u64::from(USERS));
}

#[tokio::test(flavor = "multi_thread")]
async fn dispatch_hands_over_nothing_while_it_is_held_and_a_part_while_it_is_slowed() {
    let world = world().await;
    let audience = world.upload(file().as_bytes()).await;
    import::run(&world.backends).await.unwrap();
    let campaign = world.expand_campaign(audience).await;

    let_begin(&world, 0.0);
    let held = dispatch::run(&world.backends).await.unwrap();
    let_begin(&world, 0.05);
    let slowed = dispatch::run(&world.backends).await.unwrap();
    let again = dispatch::run(&world.backends).await.unwrap();

    // A twentieth of 200.
    assert_eq!((held.queued, slowed.queued, again.queued), (0, 10, 0));
    let in_queue = world.backends.push_store.count_queued(campaign, 200).await;
    assert_eq!(in_queue.unwrap(), 10);
}
