//! A queue paused, resumed, purged, deleted, and after a restart of its server.

use std::time::Duration;

use chrono::TimeDelta;
use gcloud_sdk::google::cloud::tasks::v2::{
    DeleteQueueRequest, GetQueueRequest, ListTasksRequest, PauseQueueRequest, PurgeQueueRequest, Queue,
    ResumeQueueRequest, queue,
};
use tonic::Code;

use crate::on_every_engine;
use crate::world::{QUEUE, World, instant, timestamp, until};

on_every_engine!(
    a_paused_queue_dispatches_nothing_until_it_is_resumed,
    a_task_can_be_run_in_a_paused_queue_before_its_time,
    a_purge_removes_what_waits_and_leaves_what_comes_after,
    a_purge_goes_on_when_its_caller_goes_away,
    a_deleted_queue_is_gone_with_its_tasks,
    queues_and_tasks_outlive_the_server,
);

async fn a_paused_queue_dispatches_nothing_until_it_is_resumed(world: World) {
    world.queue(Queue::default()).await;
    let paused = pause(&world).await;
    world.create(world.task("held")).await.unwrap();

    world.create(world.task("fence")).await.unwrap();
    world.force("fence").await;
    world.handler.received(1).await;
    let while_paused = world.handler.bodies();
    let name = QUEUE.to_owned();
    let resumed = world
        .client
        .clone()
        .resume_queue(ResumeQueueRequest { name })
        .await
        .unwrap()
        .into_inner();

    assert_eq!(while_paused, ["fence"]);
    assert_eq!(world.handler.received(2).await[1].body, "held");
    assert_eq!(
        (paused.state(), resumed.state()),
        (queue::State::Paused, queue::State::Running)
    );
}

async fn a_task_can_be_run_in_a_paused_queue_before_its_time(world: World) {
    world.queue(Queue::default()).await;
    pause(&world).await;
    let mut task = world.task("one");
    task.schedule_time = timestamp(world.now() + TimeDelta::days(1));
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
    pause(&world).await;
    for n in 0..50 {
        world.create(world.task(&format!("old-{n}"))).await.unwrap();
    }
    let name = || QUEUE.to_owned();

    let purged = world
        .client
        .clone()
        .purge_queue(PurgeQueueRequest { name: name() })
        .await
        .unwrap()
        .into_inner();
    world.create(world.task("new")).await.unwrap();
    world
        .client
        .clone()
        .resume_queue(ResumeQueueRequest { name: name() })
        .await
        .unwrap();

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
    // It takes thousands of tasks and has nothing to do with where they are kept.
    if !world.is_in_memory() {
        return;
    }
    world.queue(Queue::default()).await;
    pause(&world).await;
    // Several steps of a purge.
    let tasks = (0..4_000).map(|n| world.create(world.task(&format!("t-{n}"))));
    futures::future::try_join_all(tasks).await.unwrap();
    let mut client = world.client.clone();
    let purge = client.purge_queue(PurgeQueueRequest {
        name: QUEUE.to_owned(),
    });

    // Its first step is seen before its last one is done, as a rule; then it is cut off.
    tokio::select! {
        purged = purge => drop(purged.unwrap()),
        () = world.ended("t-0") => {}
    }

    let request = ListTasksRequest {
        parent: QUEUE.to_owned(),
        page_size: 1,
        ..ListTasksRequest::default()
    };
    until("the queue is empty", async || {
        let page = world
            .client
            .clone()
            .list_tasks(request.clone())
            .await
            .unwrap()
            .into_inner();
        page.tasks.is_empty().then_some(())
    })
    .await;
}

async fn a_deleted_queue_is_gone_with_its_tasks(world: World) {
    world.queue(Queue::default()).await;
    pause(&world).await;
    world.create(world.task("one")).await.unwrap();
    let name = || QUEUE.to_owned();

    world
        .client
        .clone()
        .delete_queue(DeleteQueueRequest { name: name() })
        .await
        .unwrap();
    let gone = world
        .client
        .clone()
        .get_queue(GetQueueRequest { name: name() })
        .await
        .unwrap_err();
    world.queue(Queue::default()).await;
    let request = ListTasksRequest {
        parent: name(),
        ..ListTasksRequest::default()
    };
    let tasks = world
        .client
        .clone()
        .list_tasks(request)
        .await
        .unwrap()
        .into_inner()
        .tasks;

    assert_eq!(gone.code(), Code::NotFound);
    assert_eq!(tasks, []);
    assert!(world.create(world.task("one")).await.is_ok());
}

async fn queues_and_tasks_outlive_the_server(mut world: World) {
    if world.is_in_memory() {
        return;
    }
    let queue = world.queue(Queue::default()).await;
    let mut task = world.task("one");
    task.schedule_time = timestamp(world.now() + TimeDelta::hours(1));
    world.create(task).await.unwrap();
    world.create(world.task("done")).await.unwrap();
    world.ended("done").await;

    world.restart(|_| ()).await;
    let name = QUEUE.to_owned();
    let again = world
        .client
        .clone()
        .get_queue(GetQueueRequest { name })
        .await
        .unwrap()
        .into_inner();
    let used = world.create(world.task("done")).await.unwrap_err();
    world.clock.advance(Duration::from_secs(3_600));

    until("the task is dispatched", async || {
        (world.handler.bodies() == ["done", "one"]).then_some(())
    })
    .await;
    assert_eq!(queue, again);
    assert_eq!(used.code(), Code::AlreadyExists);
}

async fn pause(world: &World) -> Queue {
    let request = PauseQueueRequest {
        name: QUEUE.to_owned(),
    };
    world
        .client
        .clone()
        .pause_queue(request)
        .await
        .unwrap()
        .into_inner()
}
