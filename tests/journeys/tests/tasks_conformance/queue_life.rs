//! A queue paused, resumed, purged, deleted, and after a restart of its server.

use std::time::Duration;

use chrono::TimeDelta;
use gcloud_sdk::google::cloud::tasks::v2::{DeleteQueueRequest, Queue, queue};
use tonic::Code;

use crate::world::{QUEUE, World, instant, until};
use crate::{on_a_file, on_every_engine};

on_every_engine!(
    a_paused_queue_dispatches_nothing_until_it_is_resumed,
    a_task_can_be_run_in_a_paused_queue_before_its_time,
    a_purge_removes_what_waits_and_leaves_what_comes_after,
    a_purge_goes_on_when_its_caller_goes_away,
    a_deleted_queue_is_gone_with_its_tasks,
);

on_a_file!(queues_and_tasks_outlive_the_server);

async fn a_paused_queue_dispatches_nothing_until_it_is_resumed(world: World) {
    world.queue(Queue::default()).await;
    let paused = world.pause().await;
    world.create(world.task("held")).await.unwrap();

    world.create(world.task("fence")).await.unwrap();
    world.force("fence").await;
    world.handler.received(1).await;
    let while_paused = world.handler.bodies();
    let resumed = world.resume().await;

    assert_eq!(while_paused, ["fence"]);
    assert_eq!(world.handler.received(2).await[1].body, "held");
    assert_eq!(
        (paused.state(), resumed.state()),
        (queue::State::Paused, queue::State::Running)
    );
}

async fn a_task_can_be_run_in_a_paused_queue_before_its_time(world: World) {
    world.queue(Queue::default()).await;
    world.pause().await;
    let task = world.task_in("one", TimeDelta::days(1));
    world.create(task).await.unwrap();

    let ran = world.force("one").await;

    world.handler.received(1).await;
    world.ended("one").await;
    assert_eq!(ran.dispatch_count, 1);
    assert_eq!(instant(&ran.schedule_time), world.now());
    assert_eq!(instant(&ran.first_attempt.unwrap().dispatch_time), world.now());
}

async fn a_purge_removes_what_waits_and_leaves_what_comes_after(world: World) {
    world.queue(Queue::default()).await;
    world.pause().await;
    for n in 0..50 {
        world.create(world.task(&format!("old-{n}"))).await.unwrap();
    }

    let purged = world.purge().await.unwrap();
    world.create(world.task("new")).await.unwrap();
    world.resume().await;

    world.handler.received(1).await;
    world.ended("new").await;
    assert_eq!(world.handler.bodies(), ["new"]);
    assert_eq!(instant(&purged.purge_time), world.now());
    assert_eq!(
        world.create(world.task("old-1")).await.unwrap_err().code(),
        Code::AlreadyExists
    );
}

async fn a_purge_goes_on_when_its_caller_goes_away(world: World) {
    world.queue(Queue::default()).await;
    world.pause().await;
    // Several steps of a purge.
    let tasks = (0..4_000).map(|n| world.create(world.task(&format!("t-{n}"))));
    futures::future::try_join_all(tasks).await.unwrap();

    // Its first step is seen before its last one is done, as a rule; then it is cut off.
    tokio::select! {
        purged = world.purge() => drop(purged.unwrap()),
        () = world.ended("t-0") => {}
    }

    until("the queue is empty", async || {
        let page = world.list(String::new()).await;
        page.tasks.is_empty().then_some(())
    })
    .await;
}

async fn a_deleted_queue_is_gone_with_its_tasks(world: World) {
    world.queue(Queue::default()).await;
    world.pause().await;
    world.create(world.task("one")).await.unwrap();
    let name = QUEUE.to_owned();

    world
        .client()
        .delete_queue(DeleteQueueRequest { name })
        .await
        .unwrap();
    let gone = world.get_queue().await.unwrap_err();
    world.queue(Queue::default()).await;
    let tasks = world.list(String::new()).await.tasks;

    assert_eq!(gone.code(), Code::NotFound);
    assert_eq!(tasks, []);
    assert!(world.create(world.task("one")).await.is_ok());
}

async fn queues_and_tasks_outlive_the_server(mut world: World) {
    let queue = world.queue(Queue::default()).await;
    let task = world.task_in("one", TimeDelta::hours(1));
    world.create(task).await.unwrap();
    world.create(world.task("done")).await.unwrap();
    world.ended("done").await;

    world.restart(|_| ()).await;
    let again = world.get_queue().await.unwrap();
    let used = world.create(world.task("done")).await.unwrap_err();
    world.clock.advance(Duration::from_secs(3_600));

    until("the task is dispatched", async || {
        (world.handler.bodies() == ["done", "one"]).then_some(())
    })
    .await;
    assert_eq!(queue, again);
    assert_eq!(used.code(), Code::AlreadyExists);
}
