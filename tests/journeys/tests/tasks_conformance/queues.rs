//! Calls on queues.

use std::time::Duration;

use chrono::TimeDelta;
use gcloud_sdk::google::cloud::tasks::v2::{
    CreateQueueRequest, DeleteQueueRequest, GetQueueRequest, ListQueuesRequest, ListTasksRequest,
    PauseQueueRequest, PurgeQueueRequest, Queue, RateLimits, ResumeQueueRequest, RetryConfig, RunTaskRequest,
    UpdateQueueRequest, queue,
};
use tonic::Code;

use crate::on_every_engine;
use crate::world::{LOCATION, QUEUE, World, instant, millis, timestamp, until};

on_every_engine!(
    a_queue_is_created_once_and_explicit_in_its_defaults,
    settings_beyond_the_limits_are_refused,
    queues_are_listed_in_pages,
    an_update_changes_what_its_mask_names,
    a_paused_queue_dispatches_nothing_until_it_is_resumed,
    a_task_can_be_run_in_a_paused_queue_before_its_time,
    a_purge_removes_what_waits_and_leaves_what_comes_after,
    a_deleted_queue_is_gone_with_its_tasks,
    queues_and_tasks_outlive_the_server,
);

async fn a_queue_is_created_once_and_explicit_in_its_defaults(world: World) {
    let created = world.queue(Queue::default()).await;
    let name = QUEUE.to_owned();
    let got = world
        .client
        .clone()
        .get_queue(GetQueueRequest { name })
        .await
        .unwrap()
        .into_inner();
    let queue = Some(Queue {
        name: QUEUE.to_owned(),
        ..Queue::default()
    });
    let again = world
        .client
        .clone()
        .create_queue(CreateQueueRequest {
            parent: LOCATION.to_owned(),
            queue,
        })
        .await;

    assert_eq!(created, got);
    assert_eq!(created.state(), queue::State::Running);
    assert_eq!(
        created.rate_limits,
        Some(RateLimits {
            max_dispatches_per_second: 500.0,
            max_burst_size: 500,
            max_concurrent_dispatches: 1_000
        })
    );
    assert_eq!(
        created.retry_config,
        Some(RetryConfig {
            max_attempts: 100,
            max_retry_duration: millis(0),
            min_backoff: millis(100),
            max_backoff: millis(3_600_000),
            max_doublings: 16,
        })
    );
    assert_eq!(again.unwrap_err().code(), Code::AlreadyExists);
}

async fn settings_beyond_the_limits_are_refused(world: World) {
    let rate = |rate_limits| Queue {
        rate_limits: Some(rate_limits),
        ..Queue::default()
    };
    let retry = |retry_config| Queue {
        retry_config: Some(retry_config),
        ..Queue::default()
    };

    for settings in [
        rate(RateLimits {
            max_dispatches_per_second: 501.0,
            ..RateLimits::default()
        }),
        rate(RateLimits {
            max_dispatches_per_second: f64::NAN,
            ..RateLimits::default()
        }),
        rate(RateLimits {
            max_concurrent_dispatches: 5_001,
            ..RateLimits::default()
        }),
        retry(RetryConfig {
            max_attempts: -2,
            ..RetryConfig::default()
        }),
        retry(RetryConfig {
            min_backoff: millis(2_000),
            max_backoff: millis(1_000),
            ..RetryConfig::default()
        }),
    ] {
        let queue = Some(Queue {
            name: QUEUE.to_owned(),
            ..settings.clone()
        });
        let request = CreateQueueRequest {
            parent: LOCATION.to_owned(),
            queue,
        };

        let refused = world.client.clone().create_queue(request).await.unwrap_err();

        assert_eq!(refused.code(), Code::InvalidArgument, "{settings:?}");
    }
}

async fn queues_are_listed_in_pages(world: World) {
    for (parent, id) in [
        (LOCATION, "a"),
        (LOCATION, "b"),
        (LOCATION, "c"),
        ("projects/demo/locations/osaka", "d"),
    ] {
        let queue = Some(Queue {
            name: format!("{parent}/queues/{id}"),
            ..Queue::default()
        });
        let request = CreateQueueRequest {
            parent: parent.to_owned(),
            queue,
        };
        world.client.clone().create_queue(request).await.unwrap();
    }
    let ask = ListQueuesRequest {
        parent: LOCATION.to_owned(),
        page_size: 2,
        ..ListQueuesRequest::default()
    };

    let first = world
        .client
        .clone()
        .list_queues(ask.clone())
        .await
        .unwrap()
        .into_inner();
    let page_token = first.next_page_token.clone();
    let second = world
        .client
        .clone()
        .list_queues(ListQueuesRequest { page_token, ..ask })
        .await
        .unwrap()
        .into_inner();

    let ids =
        |queues: Vec<Queue>| -> Vec<char> { queues.iter().map(|q| q.name.chars().last().unwrap()).collect() };
    assert_eq!(ids(first.queues), ['a', 'b']);
    assert_eq!(ids(second.queues), ['c']);
    assert_eq!(second.next_page_token, "");
}

async fn an_update_changes_what_its_mask_names(world: World) {
    world.queue(Queue::default()).await;
    let queue = Some(Queue {
        name: QUEUE.to_owned(),
        rate_limits: Some(RateLimits {
            max_concurrent_dispatches: 7,
            max_dispatches_per_second: 3.0,
            max_burst_size: 0,
        }),
        retry_config: Some(RetryConfig {
            max_attempts: 3,
            ..RetryConfig::default()
        }),
        ..Queue::default()
    });
    let mask = |paths: &[&str]| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        Some(prost_types::FieldMask { paths })
    };
    let update = |paths: &[&str]| UpdateQueueRequest {
        queue: queue.clone(),
        update_mask: mask(paths),
    };
    let paths = [
        "rate_limits.max_concurrent_dispatches",
        "retry_config.max_attempts",
    ];

    let updated = world
        .client
        .clone()
        .update_queue(update(&paths))
        .await
        .unwrap()
        .into_inner();
    let refused = world
        .client
        .clone()
        .update_queue(update(&["state"]))
        .await
        .unwrap_err();

    let rate = updated.rate_limits.unwrap();
    assert_eq!(
        (rate.max_concurrent_dispatches, rate.max_dispatches_per_second),
        (7, 500.0)
    );
    assert_eq!(updated.retry_config.unwrap().max_attempts, 3);
    assert_eq!(updated.retry_config.unwrap().max_doublings, 16);
    assert_eq!(refused.code(), Code::InvalidArgument);
}

async fn a_paused_queue_dispatches_nothing_until_it_is_resumed(world: World) {
    world.queue(Queue::default()).await;
    let paused = pause(&world).await;
    world.create(world.task("held")).await.unwrap();

    run(&world, "held-not", true).await;
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

    assert_eq!(while_paused, ["held-not"]);
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

    let ran = run(&world, "one", false).await;

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

/// Runs a task by force, made just before if it is not there.
async fn run(world: &World, id: &str, create: bool) -> gcloud_sdk::google::cloud::tasks::v2::Task {
    if create {
        world.create(world.task(id)).await.unwrap();
    }
    let request = RunTaskRequest {
        name: format!("{QUEUE}/tasks/{id}"),
        response_view: 0,
    };
    world.client.clone().run_task(request).await.unwrap().into_inner()
}
