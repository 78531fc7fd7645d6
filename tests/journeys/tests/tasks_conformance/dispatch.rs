//! What a handler receives, and when.

use std::time::Duration;

use chrono::TimeDelta;
use gcloud_sdk::google::cloud::tasks::v2::{HttpMethod, Queue, RateLimits};

use crate::handler::Reply;
use crate::on_every_engine;
use crate::world::{World, instant, request_mut};

on_every_engine!(
    a_task_reaches_its_handler_with_every_header_and_is_done,
    a_handler_sees_its_own_headers_but_not_reserved_ones,
    a_scheduled_task_waits_for_its_time,
    tasks_start_in_order_of_their_time,
    redirects_are_not_followed,
);

async fn a_task_reaches_its_handler_with_every_header_and_is_done(world: World) {
    world.queue(Queue::default()).await;

    world.create(world.task("first")).await.unwrap();

    let received = &world.handler.received(1).await[0];
    let eta = world.now().timestamp_micros();
    assert_eq!(received.method, "POST");
    assert_eq!(received.path, "/deliver");
    assert_eq!(received.body, "first");
    assert_eq!(received.header("user-agent"), Some("Google-Cloud-Tasks"));
    assert_eq!(received.header("x-cloudtasks-queuename"), Some("fast"));
    assert_eq!(received.header("x-cloudtasks-taskname"), Some("first"));
    assert_eq!(received.header("x-cloudtasks-taskretrycount"), Some("0"));
    assert_eq!(received.header("x-cloudtasks-taskexecutioncount"), Some("0"));
    assert_eq!(
        received.header("x-cloudtasks-tasketa"),
        Some(format!("{}.{:06}", eta / 1_000_000, eta % 1_000_000).as_str())
    );
    assert_eq!(received.header("x-cloudtasks-taskpreviousresponse"), None);
    assert_eq!(received.header("x-cloudtasks-taskretryreason"), None);
    assert_eq!(received.header("authorization"), None);
    world.ended("first").await;
}

async fn a_handler_sees_its_own_headers_but_not_reserved_ones(world: World) {
    world.queue(Queue::default()).await;
    let mut task = world.task("first");
    let request = request_mut(&mut task);
    request.set_http_method(HttpMethod::Put);
    for (name, value) in [
        ("Content-Type", "application/json"),
        ("User-Agent", "mine"),
        ("X-CloudTasks-QueueName", "forged"),
        ("X-CloudTasks-Other", "forged"),
        ("X-Google-Thing", "forged"),
        ("X-AppEngine-Thing", "forged"),
    ] {
        request.headers.insert(name.to_owned(), value.to_owned());
    }

    world.create(task).await.unwrap();

    let received = &world.handler.received(1).await[0];
    assert_eq!(received.method, "PUT");
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert_eq!(received.header("user-agent"), Some("Google-Cloud-Tasks"));
    assert_eq!(received.header("x-cloudtasks-queuename"), Some("fast"));
    assert!(received.headers.iter().all(|(_, value)| value != "forged"));
}

async fn a_scheduled_task_waits_for_its_time(world: World) {
    world.queue(Queue::default()).await;
    let at = world.now() + TimeDelta::seconds(90);

    let created = world
        .create(world.task_in("later", TimeDelta::seconds(90)))
        .await
        .unwrap();
    world.clock.advance(Duration::from_micros(89_999_999));
    world.create(world.task("fence")).await.unwrap();
    world.handler.received(1).await;
    let before = world.handler.bodies();
    world.clock.advance(Duration::from_micros(1));

    assert_eq!(instant(&created.schedule_time), at);
    assert_eq!(before, ["fence"]);
    assert_eq!(world.handler.received(2).await[1].body, "later");
}

async fn tasks_start_in_order_of_their_time(world: World) {
    world.queue(one_at_a_time()).await;
    for (id, seconds) in [("c", 30), ("a", 10), ("b", 20)] {
        let task = world.task_in(id, TimeDelta::seconds(seconds));
        world.create(task).await.unwrap();
    }

    world.clock.advance(Duration::from_secs(60));

    let order: Vec<_> = world
        .handler
        .received(3)
        .await
        .into_iter()
        .map(|one| one.body)
        .collect();
    assert_eq!(order, ["a", "b", "c"]);
}

async fn redirects_are_not_followed(world: World) {
    world.queue(Queue::default()).await;
    world
        .handler
        .reply([Reply::Redirect(format!("{}/elsewhere", world.handler.url()))]);

    world.create(world.task("first")).await.unwrap();

    let task = world.attempted("first", 1).await;
    assert_eq!(world.handler.bodies(), ["first"]);
    assert_eq!(task.response_count, 1);
}

fn one_at_a_time() -> Queue {
    Queue {
        rate_limits: Some(RateLimits {
            max_concurrent_dispatches: 1,
            ..RateLimits::default()
        }),
        ..Queue::default()
    }
}
