//! The wire: HTTP/2 with prior knowledge beside HTTP/1, and many at once.

use std::time::Duration;

use bytes::Bytes;
use emulator::sink::Outcome;
use futures::future::join_all;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;

use super::world::{World, always};
use crate::killable::until;

#[tokio::test]
async fn many_streams_of_one_connection_are_all_answered_and_written_down() {
    let world = World::new().await;
    let sender = connect(&world).await;

    let statuses = join_all((0..300).map(|n| {
        let mut sender = sender.clone();
        let request = send(&world, &format!("device-{n}"), &format!("p-{n:03}"));
        async move {
            let answer = sender.send_request(request).await.unwrap();
            let status = answer.status();
            answer.into_body().collect().await.unwrap();
            status
        }
    }))
    .await;

    let mut pushes: Vec<String> = world.ledger().into_iter().map(|entry| entry.push_id).collect();
    pushes.sort();
    assert!(statuses.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(pushes, (0..300).map(|n| format!("p-{n:03}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_hung_stream_does_not_hold_up_the_stop() {
    let world = World::configured(|config| {
        config.script = always(Outcome::Hang);
        config.drain = Duration::from_millis(50);
    })
    .await;
    let mut sender = connect(&world).await;
    let hung = TaskTracker::new().spawn(sender.send_request(send(&world, "device", "p")));
    until("it hangs", async || world.count(Outcome::Hang).await > 0).await;

    let unanswered = !hung.is_finished();
    world.server.stop().await;

    assert!(unanswered);
    assert!(hung.await.unwrap().is_err());
}

#[tokio::test]
async fn other_paths_are_not_found_in_googles_form() {
    let world = World::new().await;

    let status = world.play(json!({})).await;
    let other = world.post_to("/v1/projects//messages:send").await;

    assert_eq!(status, 200);
    assert_eq!(other.status, 404);
    assert_eq!(other.body["error"]["status"], "NOT_FOUND");
}

pub(super) async fn connect(world: &World) -> http2::SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(world.server.address()).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    TaskTracker::new().spawn(connection);
    sender
}

fn send(world: &World, token: &str, push_id: &str) -> Request<Full<Bytes>> {
    let body = json!({ "message": { "token": token, "data": { "push_id": push_id } } });
    Request::post(world.url("/v1/projects/demo/messages:send"))
        .header("authorization", "Bearer b")
        .body(Full::from(body.to_string()))
        .unwrap()
}
