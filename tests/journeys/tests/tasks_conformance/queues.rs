//! Calls on queues.

use gcloud_sdk::google::cloud::tasks::v2::{
    CreateQueueRequest, ListQueuesRequest, Queue, RateLimits, RetryConfig, UpdateQueueRequest, queue,
};
use tonic::Code;

use crate::on_every_engine;
use crate::world::{LOCATION, QUEUE, World, millis};

on_every_engine!(
    a_queue_is_created_once_and_explicit_in_its_defaults,
    settings_beyond_the_limits_are_refused,
    queues_are_listed_in_pages,
    an_update_changes_what_its_mask_names,
);

async fn a_queue_is_created_once_and_explicit_in_its_defaults(world: World) {
    let created = world.queue(Queue::default()).await;
    let got = world.get_queue().await.unwrap();
    let again = world.create_queue(Queue::default()).await;

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
        let refused = world.create_queue(settings.clone()).await.unwrap_err();

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
        world.client().create_queue(request).await.unwrap();
    }
    let list = async |page_token| {
        let request = ListQueuesRequest {
            parent: LOCATION.to_owned(),
            page_size: 2,
            page_token,
            ..ListQueuesRequest::default()
        };
        world.client().list_queues(request).await.unwrap().into_inner()
    };

    let first = list(String::new()).await;
    let second = list(first.next_page_token).await;

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
    let update = async |paths: &[&str]| {
        let request = UpdateQueueRequest {
            queue: queue.clone(),
            update_mask: mask(paths),
        };
        world.client().update_queue(request).await
    };
    let paths = [
        "rate_limits.max_concurrent_dispatches",
        "retry_config.max_attempts",
    ];

    let updated = update(&paths).await.unwrap().into_inner();
    let refused = update(&["state"]).await.unwrap_err();

    let rate = updated.rate_limits.unwrap();
    assert_eq!(
        (rate.max_concurrent_dispatches, rate.max_dispatches_per_second),
        (7, 500.0)
    );
    assert_eq!(updated.retry_config.unwrap().max_attempts, 3);
    assert_eq!(updated.retry_config.unwrap().max_doublings, 16);
    assert_eq!(refused.code(), Code::InvalidArgument);
}
