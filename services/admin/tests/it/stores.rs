//! Stores that are down.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::world::{World, send};

#[tokio::test]
async fn without_sql_requests_are_to_come_back_later() {
    let world = World::new().await;
    world.backends.db.close().await;

    for answer in [
        world.get("/v1/campaigns").await,
        world.post("/v1/coupons", json!({"name": "n"})).await,
        world.upload("user_id\nu1\n").await,
        world.put("/v1/stop", json!(null)).await,
    ] {
        assert_eq!(answer.problem(), (503, "store-unavailable"));
        assert_eq!(answer.json["store"], "sql");
        assert_eq!(answer.headers["retry-after"], "5");
    }
}

#[tokio::test]
async fn without_datastore_what_it_holds_is_to_be_asked_for_later() {
    let world = World::new().await;
    let id = world.draft().await;
    world.post(&format!("/v1/campaigns/{id}/start"), json!({})).await;

    let embedded = world.embedded.lock().unwrap().take();
    embedded.unwrap().stop().await;

    for path in [
        format!("/v1/campaigns/{id}/recipients"),
        "/v1/users/u1/pushes".to_owned(),
    ] {
        let answer = world.get(&path).await;
        assert_eq!(answer.problem(), (503, "store-unavailable"), "{path}");
        assert_eq!(answer.json["store"], "datastore");
        assert_eq!(answer.headers["retry-after"], "5");
    }
    assert_eq!(
        world.get(&format!("/v1/campaigns/{id}/progress")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn without_datastore_the_service_is_alive_and_not_ready() {
    let world = World::new().await;
    let working = send(world.bare(Method::GET, "/readyz")).await;
    let embedded = world.embedded.lock().unwrap().take();
    embedded.unwrap().stop().await;

    let live = send(world.bare(Method::GET, "/livez")).await;
    let ready = send(world.bare(Method::GET, "/readyz")).await;

    assert_eq!(working.status, StatusCode::OK, "{:?}", working.json);
    assert_eq!(live.status, StatusCode::OK);
    assert_eq!(ready.problem(), (503, "not-ready"));
    assert_eq!(ready.json["checks"], json!({"sql": "ok", "datastore": "failed"}));
}

#[tokio::test]
async fn an_upload_is_given_up_when_the_process_is_to_stop() {
    let world = World::new().await;
    let (sender, blocks) = futures::channel::mpsc::unbounded();
    sender
        .unbounded_send(Ok::<_, std::io::Error>(b"user_id\n".to_vec()))
        .unwrap();
    let upload = world.spawn(send(world.upload_request(reqwest::Body::wrap_stream(blocks))));
    world.clock.until_asleep(1).await;

    world.backends.process.stop.request();

    assert_eq!(upload.await.unwrap().problem(), (503, "stopping"));
    drop(sender);
}
