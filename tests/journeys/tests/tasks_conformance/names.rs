//! Names: how long one is in use, and which are none.

use std::time::Duration;

use chrono::TimeDelta;
use gcloud_sdk::google::cloud::tasks::v2::Queue;
use tonic::Code;

use crate::on_every_engine;
use crate::world::{QUEUE, World};

on_every_engine!(
    a_name_in_use_is_refused,
    the_name_of_a_task_that_ran_is_free_after_an_hour,
    the_name_of_a_deleted_task_is_free_after_an_hour,
    a_task_without_a_name_is_given_one,
    a_name_that_is_none_or_of_another_queue_is_refused,
);

async fn a_name_in_use_is_refused(world: World) {
    world.queue(Queue::default()).await;
    let waiting = world.task_in("one", TimeDelta::hours(10));
    world.create(waiting).await.unwrap();

    let again = world.create(world.task("one")).await.unwrap_err();

    assert_eq!(again.code(), Code::AlreadyExists);
}

async fn the_name_of_a_task_that_ran_is_free_after_an_hour(world: World) {
    world.queue(Queue::default()).await;
    world.create(world.task("one")).await.unwrap();
    world.ended("one").await;

    world.clock.advance(Duration::from_secs(3_599));
    let early = world.create(world.task("one")).await.unwrap_err();
    world.clock.advance(Duration::from_secs(1));
    let late = world.create(world.task("one")).await;

    assert_eq!(early.code(), Code::AlreadyExists);
    assert!(late.is_ok());
    world.handler.received(2).await;
}

async fn the_name_of_a_deleted_task_is_free_after_an_hour(world: World) {
    world.queue(Queue::default()).await;
    let waiting = world.task_in("one", TimeDelta::hours(10));
    world.create(waiting).await.unwrap();
    world.delete("one").await.unwrap();

    let early = world.create(world.task("one")).await.unwrap_err();
    world.clock.advance(Duration::from_secs(3_600));
    let late = world.create(world.task("one")).await;

    assert_eq!(early.code(), Code::AlreadyExists);
    assert!(late.is_ok());
}

async fn a_task_without_a_name_is_given_one(world: World) {
    world.queue(Queue::default()).await;
    let mut one = world.task("one");
    one.name.clear();

    let (first, second) = (
        world.create(one.clone()).await.unwrap(),
        world.create(one).await.unwrap(),
    );

    assert!(first.name.starts_with(&format!("{QUEUE}/tasks/")));
    assert_ne!(first.name, second.name);
}

async fn a_name_that_is_none_or_of_another_queue_is_refused(world: World) {
    world.queue(Queue::default()).await;

    for name in [
        "one".to_owned(),
        format!("{QUEUE}/tasks/"),
        format!("{QUEUE}/tasks/a b"),
        format!("{QUEUE}/tasks/{}", "x".repeat(501)),
        "projects/demo/locations/tokyo/queues/bulk/tasks/one".to_owned(),
    ] {
        let mut task = world.task("one");
        task.name.clone_from(&name);

        let refused = world.create(task).await.unwrap_err();

        assert_eq!(refused.code(), Code::InvalidArgument, "{name}");
    }
}
