//! Attempts that fail: when they come back, what they are told, when they are given up.

use std::time::Duration;

use chrono::TimeDelta;
use gcloud_sdk::google::cloud::tasks::v2::{Queue, RetryConfig};
use tonic::Code;

use crate::handler::Reply;
use crate::world::{DEADLINE, World, instant, millis, request_mut};
use crate::{on_a_file, on_every_engine};

on_every_engine!(
    the_back_off_doubles_then_grows_then_stays,
    a_retry_tells_the_handler_what_went_before,
    a_task_is_given_up_after_its_last_attempt,
    a_retry_duration_keeps_a_task_beyond_its_attempts,
    a_tasks_own_retry_settings_come_first,
    retry_after_is_honoured,
    an_endless_retry_after_only_holds_its_own_task,
    an_attempt_ends_at_its_deadline,
    a_handler_that_is_not_there_is_tried_again,
    a_task_deleted_during_its_attempt_does_not_come_back,
);

on_a_file!(
    an_attempt_that_ends_during_the_drain_counts,
    a_task_in_flight_beyond_the_drain_is_dispatched_again,
);

fn retrying(retry_config: RetryConfig) -> Queue {
    Queue {
        retry_config: Some(retry_config),
        ..Queue::default()
    }
}

/// The settings of the example in Cloud Tasks' reference.
fn documented() -> RetryConfig {
    RetryConfig {
        max_attempts: 9,
        min_backoff: millis(10_000),
        max_backoff: millis(300_000),
        max_doublings: 3,
        ..RetryConfig::default()
    }
}

async fn the_back_off_doubles_then_grows_then_stays(world: World) {
    world.queue(retrying(documented())).await;
    world.handler.reply([const { Reply::Status(500) }; 8]);
    world.create(world.task("one")).await.unwrap();

    let mut delays = Vec::new();
    for attempt in 1..=8 {
        let task = world.attempted("one", attempt).await;
        let delay = (instant(&task.schedule_time) - world.now()).to_std().unwrap();
        delays.push(delay.as_secs());
        world.clock.advance(delay);
    }

    world.ended("one").await;
    assert_eq!(delays, [10, 20, 40, 80, 160, 240, 300, 300]);
    assert_eq!(world.handler.bodies().len(), 9);
}

async fn a_retry_tells_the_handler_what_went_before(world: World) {
    world.queue(retrying(documented())).await;
    world.handler.reply([Reply::Status(500), Reply::Status(404)]);
    world.create(world.task("one")).await.unwrap();

    let first = world.attempted("one", 1).await;
    world.clock.advance(Duration::from_secs(10));
    let second = world.attempted("one", 2).await;
    world.clock.advance(Duration::from_secs(20));

    let received = world.handler.received(3).await;
    let told = |n: usize| {
        let header = |name: &str| {
            received[n]
                .header(&format!("x-cloudtasks-task{name}"))
                .map(str::to_owned)
        };
        [
            header("retrycount"),
            header("executioncount"),
            header("previousresponse"),
            header("retryreason"),
        ]
    };
    let texts = |texts: [&str; 4]| texts.map(|text| Some(text.to_owned()));
    // An answer of 5xx is no execution by the handler.
    assert_eq!(told(1), texts(["1", "0", "500", "HTTP status code 500"]));
    assert_eq!(told(2), texts(["2", "1", "404", "HTTP status code 404"]));
    assert_eq!((first.response_count, second.response_count), (1, 2));
    assert_eq!(second.first_attempt, first.first_attempt);
    let (first, last) = (first.last_attempt.unwrap(), second.last_attempt.unwrap());
    assert_eq!(
        instant(&last.dispatch_time) - instant(&first.dispatch_time),
        TimeDelta::seconds(10)
    );
    assert_eq!(last.response_status.unwrap().code, Code::NotFound as i32);
}

async fn a_task_is_given_up_after_its_last_attempt(world: World) {
    world
        .queue(retrying(RetryConfig {
            max_attempts: 2,
            ..documented()
        }))
        .await;
    world.handler.reply([Reply::Status(500), Reply::Status(500)]);
    world.create(world.task("one")).await.unwrap();

    world.attempted("one", 1).await;
    world.clock.advance(Duration::from_secs(10));

    world.ended("one").await;
    assert_eq!(world.handler.bodies().len(), 2);
}

async fn a_retry_duration_keeps_a_task_beyond_its_attempts(world: World) {
    let retry = RetryConfig {
        max_attempts: 1,
        max_retry_duration: millis(25_000),
        ..documented()
    };
    world.queue(retrying(retry)).await;
    world.handler.reply([const { Reply::Status(500) }; 3]);
    world.create(world.task("one")).await.unwrap();

    world.attempted("one", 1).await;
    world.clock.advance(Duration::from_secs(10));
    world.attempted("one", 2).await;
    world.clock.advance(Duration::from_secs(20));

    world.ended("one").await;
    assert_eq!(world.handler.bodies().len(), 3);
}

async fn a_tasks_own_retry_settings_come_first(world: World) {
    world.queue(retrying(documented())).await;
    world.handler.reply([Reply::Status(500)]);
    let mut task = world.task("one");
    task.retry_config = Some(RetryConfig {
        max_attempts: 1,
        ..RetryConfig::default()
    });

    world.create(task).await.unwrap();

    world.ended("one").await;
    assert_eq!(world.handler.bodies().len(), 1);
}

async fn retry_after_is_honoured(world: World) {
    world.queue(retrying(documented())).await;
    world
        .handler
        .reply([Reply::RetryAfter(503, 120), Reply::RetryAfter(429, 1)]);
    world.create(world.task("one")).await.unwrap();

    let first = world.attempted("one", 1).await;
    let longer = instant(&first.schedule_time) - world.now();
    world.clock.advance(Duration::from_secs(120));
    let second = world.attempted("one", 2).await;
    let shorter = instant(&second.schedule_time) - world.now();

    assert_eq!(longer, TimeDelta::seconds(120));
    assert_eq!(shorter, TimeDelta::seconds(20));
}

async fn an_endless_retry_after_only_holds_its_own_task(world: World) {
    world.queue(retrying(documented())).await;
    world.handler.reply([Reply::RetryAfter(503, u64::MAX)]);
    world.create(world.task("endless")).await.unwrap();
    world.attempted("endless", 1).await;

    world.create(world.task("other")).await.unwrap();

    world.ended("other").await;
}

async fn an_attempt_ends_at_its_deadline(world: World) {
    world.queue(retrying(documented())).await;
    world.handler.hold();
    let mut task = world.task("one");
    task.dispatch_deadline = millis(15_000);
    world.create(task).await.unwrap();
    world.handler.received(1).await;

    world.clock.advance(Duration::from_secs(15));

    let task = world.attempted("one", 1).await;
    assert_eq!(task.response_count, 0);
    let status = task.last_attempt.unwrap().response_status.unwrap();
    assert_eq!(status.code, Code::DeadlineExceeded as i32);
}

async fn a_handler_that_is_not_there_is_tried_again(world: World) {
    world.queue(retrying(documented())).await;
    let mut task = world.task("one");
    // Port 1 (tcpmux) has no listener on any machine that runs tests.
    request_mut(&mut task).url = "http://127.0.0.1:1/".to_owned();

    world.create(task).await.unwrap();

    let task = world.attempted("one", 1).await;
    assert_eq!(task.response_count, 0);
    let status = task.last_attempt.unwrap().response_status.unwrap();
    assert_eq!(status.code, Code::Unavailable as i32);
}

async fn a_task_deleted_during_its_attempt_does_not_come_back(world: World) {
    world.queue(retrying(documented())).await;
    world.handler.reply([Reply::Status(500)]);
    world.handler.hold();
    world.create(world.task("one")).await.unwrap();
    world.handler.received(1).await;

    world.delete("one").await.unwrap();
    world.handler.release(2);
    world.clock.advance(Duration::from_secs(3_600));
    world.create(world.task("fence")).await.unwrap();
    world.ended("fence").await;

    assert_eq!(world.handler.bodies(), ["fence", "one"]);
    assert_eq!(world.get("one").await.unwrap_err().code(), Code::NotFound);
}

async fn an_attempt_that_ends_during_the_drain_counts(mut world: World) {
    world.restart(|config| config.drain = DEADLINE).await;
    world.queue(Queue::default()).await;
    world.handler.hold();
    world.create(world.task("one")).await.unwrap();
    let handler = world.handler.clone();
    handler.received(1).await;

    tokio::join!(world.restart(|_| ()), async { handler.release(1) });

    assert_eq!(world.get("one").await.unwrap_err().code(), Code::NotFound);
}

async fn a_task_in_flight_beyond_the_drain_is_dispatched_again(mut world: World) {
    world.queue(Queue::default()).await;
    world.handler.hold();
    world.create(world.task("one")).await.unwrap();
    world.handler.received(1).await;

    world.restart(|_| ()).await;

    assert_eq!(world.handler.received(2).await[1].body, "one");
}
