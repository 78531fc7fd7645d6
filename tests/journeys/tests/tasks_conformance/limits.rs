//! How fast and how many at once, and how much of a long queue is in memory.

use std::time::Duration;

use chrono::TimeDelta;
use gcloud_sdk::google::cloud::tasks::v2::{Queue, RateLimits};

use crate::on_every_engine;
use crate::world::{World, until};

on_every_engine!(
    dispatches_keep_to_the_rate_after_a_burst,
    no_more_run_at_once_than_allowed_and_a_slow_one_holds_up_nobody_else,
    a_queue_longer_than_its_window_is_dispatched_whole_and_in_order,
);

fn limited(rate_limits: RateLimits) -> Queue {
    Queue {
        rate_limits: Some(rate_limits),
        ..Queue::default()
    }
}

async fn dispatches_keep_to_the_rate_after_a_burst(world: World) {
    world
        .queue(limited(RateLimits {
            max_dispatches_per_second: 2.0,
            ..RateLimits::default()
        }))
        .await;
    for n in 0..6 {
        world.create(world.task(&format!("t-{n}"))).await.unwrap();
    }

    let mut counts = Vec::new();
    for expected in 2..=6 {
        world.handler.received(expected).await;
        // A forced task has no part in the rate; once it is here, all that could start before has.
        let fence = format!("fence-{expected}");
        let task = world.task_in(&fence, TimeDelta::days(1));
        world.create(task).await.unwrap();
        world.force(&fence).await;
        until("the fence is here", async || {
            world.handler.bodies().contains(&fence).then_some(())
        })
        .await;
        counts.push(
            world
                .handler
                .bodies()
                .iter()
                .filter(|body| body.starts_with("t-"))
                .count(),
        );
        world.clock.advance(Duration::from_micros(500_002));
    }

    assert_eq!(counts, [2, 3, 4, 5, 6]);
}

async fn no_more_run_at_once_than_allowed_and_a_slow_one_holds_up_nobody_else(world: World) {
    world
        .queue(limited(RateLimits {
            max_concurrent_dispatches: 3,
            ..RateLimits::default()
        }))
        .await;
    world.handler.hold();
    for n in 0..8 {
        world.create(world.task(&format!("t-{n}"))).await.unwrap();
    }

    world.handler.received(3).await;
    world.handler.release(1);
    world.handler.received(4).await;
    world.handler.release(7);
    world.handler.received(8).await;

    assert_eq!(world.handler.most_at_once(), 3);
}

async fn a_queue_longer_than_its_window_is_dispatched_whole_and_in_order(mut world: World) {
    world.restart(|config| config.window_tasks = 4).await;
    world
        .queue(limited(RateLimits {
            max_concurrent_dispatches: 1,
            ..RateLimits::default()
        }))
        .await;
    // Neither in order nor in reverse: 17 has no divisor in common with 50.
    for n in (0..50).map(|n| n * 17 % 50) {
        let task = world.task_in(&format!("t-{n:02}"), TimeDelta::seconds(60 + n));
        world.create(task).await.unwrap();
    }

    world.clock.advance(Duration::from_secs(200));

    let order: Vec<String> = world
        .handler
        .received(50)
        .await
        .into_iter()
        .map(|one| one.body)
        .collect();
    assert_eq!(order, (0..50).map(|n| format!("t-{n:02}")).collect::<Vec<_>>());
}
