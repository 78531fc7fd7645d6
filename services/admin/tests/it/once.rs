//! Requests that are carried out once.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{Answer, World, send};

async fn post(world: &World, path: &str, key: &str, body: &Value) -> Answer {
    send(
        world
            .request(Method::POST, path)
            .header("idempotency-key", key)
            .json(body),
    )
    .await
}

async fn upload(world: &World, key: &str, file: &str) -> Answer {
    send(
        world
            .upload_request(file.to_owned())
            .header("idempotency-key", key),
    )
    .await
}

fn replayed(answer: &Answer) -> bool {
    answer
        .headers
        .get("idempotent-replayed")
        .is_some_and(|value| value == "true")
}

async fn count(world: &World, path: &str) -> usize {
    world.get(path).await.json["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_has_no_effect() {
    let world = World::new().await;
    let coupon = json!({"name": "10 %"});

    let first = post(&world, "/v1/coupons", "k1", &coupon).await;
    let repeat = post(&world, "/v1/coupons", "k1", &coupon).await;
    let other = post(&world, "/v1/coupons", "k2", &coupon).await;

    assert!(!replayed(&first) && replayed(&repeat) && !replayed(&other));
    assert_eq!((repeat.status, &repeat.json), (StatusCode::CREATED, &first.json));
    assert_ne!(other.id(), first.id());
    assert_eq!(count(&world, "/v1/coupons").await, 2);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let world = World::new().await;
    post(&world, "/v1/coupons", "k1", &json!({"name": "10 %"})).await;

    let refused = post(&world, "/v1/coupons", "k1", &json!({"name": "20 %"})).await;

    assert_eq!(refused.problem(), (422, "idempotency-key-reused"));
    assert_eq!(count(&world, "/v1/coupons").await, 1);
}

#[tokio::test]
async fn of_many_at_once_one_has_the_effect() {
    let world = Arc::new(World::new().await);
    let campaign = json!({"name": "n", "message": crate::world::message(), "user_ids": ["u1"]});

    let requests = (0..8).map(|_| {
        let (world, campaign) = (world.clone(), campaign.clone());
        let tasks = world.backends.process.tasks.clone();
        tasks.spawn(async move { post(&world, "/v1/campaigns", "k1", &campaign).await })
    });
    let answers = futures::future::join_all(requests).await;

    let ids: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().id()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(count(&world, "/v1/campaigns").await, 1);
    assert_eq!(count(&world, "/v1/audiences").await, 1);
}

#[tokio::test]
async fn a_refused_request_does_not_use_its_key_up() {
    let world = World::new().await;
    let refused = post(&world, "/v1/coupons", "k1", &json!({"name": ""})).await;

    let mended = post(&world, "/v1/coupons", "k1", &json!({"name": "10 %"})).await;

    assert_eq!(refused.unaccepted(), "name");
    assert_eq!(mended.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_repeated_upload_is_told_from_another_file() {
    let world = World::new().await;
    let large = format!("user_id\n{}", "user\n".repeat(500_000));

    let first = upload(&world, "k1", &large).await;
    let repeat = upload(&world, "k1", &large).await;
    let other = upload(&world, "k1", "user_id\nu1\n").await;

    assert_eq!(first.status, StatusCode::ACCEPTED);
    assert!(replayed(&repeat));
    assert_eq!(repeat.json, first.json);
    assert_eq!(other.problem(), (422, "idempotency-key-reused"));
    assert_eq!(count(&world, "/v1/audiences").await, 1);
}

#[tokio::test]
async fn of_two_uploads_at_once_one_is_kept() {
    let world = Arc::new(World::new().await);
    let large = format!("user_id\n{}", "user\n".repeat(500_000));

    let uploads = (0..2).map(|_| {
        let (world, large) = (world.clone(), large.clone());
        let tasks = world.backends.process.tasks.clone();
        tasks.spawn(async move { upload(&world, "k1", &large).await.id() })
    });
    let ids = futures::future::join_all(uploads).await;

    assert_eq!(ids[0].as_ref().unwrap(), ids[1].as_ref().unwrap());
    assert_eq!(count(&world, "/v1/audiences").await, 1);
}

#[tokio::test]
async fn a_key_that_is_no_key_is_refused() {
    let world = World::new().await;

    let long = post(&world, "/v1/coupons", &"k".repeat(256), &json!({"name": "n"})).await;
    let blank = post(&world, "/v1/coupons", "a b", &json!({"name": "n"})).await;

    assert_eq!(long.unaccepted(), "Idempotency-Key");
    assert_eq!(blank.unaccepted(), "Idempotency-Key");
}
