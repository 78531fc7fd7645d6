//! Feedback on its way to a webhook.

use std::time::Duration;

use database::device::{self, DeviceKind, Registration};
use database::feedback::{self, Fate, FeedbackState};
use jobs::feedback::Report;
use runtime::config::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::World;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A world whose webhook listens there.
async fn world(webhook: &TcpListener, attempts: u32) -> World {
    let url = format!("http://{}/hook", webhook.local_addr().unwrap());
    World::with(|config| {
        config.feedback.webhook = Some(url.parse().unwrap());
        config.feedback.secret = Some(Secret::new("test", SECRET));
        config.feedback.attempts = attempts.try_into().unwrap();
    })
    .await
}

/// A device that is gone, and written down so.
async fn lose_a_device(world: &World) {
    let (db, now) = (&world.backends.db, world.backends.process.clock.now());
    let registration = Registration {
        user_id: "u1".to_owned(),
        kind: DeviceKind::FcmToken,
        address: "an-address".to_owned(),
        extra: None,
        expires_at: None,
    };
    let mut tx = db.begin().await.unwrap();
    device::register(&mut tx, &[registration], now).await.unwrap();
    let id = device::list_by_user(&mut tx, "u1").await.unwrap()[0].id;
    let written = feedback::insert(&mut tx, &[id], Fate::Gone, now, now)
        .await
        .unwrap();
    tx.commit().await.repeatable().unwrap();
    assert_eq!(written, 1);
}

/// Takes one request and answers it.
async fn answer(webhook: &TcpListener, status: &str) -> String {
    let (mut stream, _) = webhook.accept().await.unwrap();
    let mut request = Vec::new();
    while !String::from_utf8_lossy(&request).contains("\"an-address\"") {
        assert!(
            stream.read_buf(&mut request).await.unwrap() > 0,
            "the request breaks off"
        );
    }
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8(request).unwrap()
}

async fn pass(world: &World) -> Report {
    jobs::feedback::run(&world.backends).await.unwrap()
}

async fn states(world: &World) -> Vec<(FeedbackState, u32)> {
    let later = world.backends.process.clock.now() + Duration::from_secs(1);
    let all = feedback::list(&world.backends.db, None, later, 10).await.unwrap();
    all.iter()
        .map(|feedback| (feedback.state, feedback.attempts))
        .collect()
}

#[tokio::test]
async fn a_report_is_posted_signed_and_once() {
    let webhook = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = world(&webhook, 3).await;
    lose_a_device(&world).await;

    let (report, request) = tokio::join!(pass(&world), answer(&webhook, "204 No Content"));
    let again = pass(&world).await;

    assert_eq!((report.sent, again), (1, Report::default()));
    assert_eq!(states(&world).await, [(FeedbackState::Sent, 1)]);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert!(head.starts_with("POST /hook HTTP/1.1"), "{head}");
    for header in ["webhook-id: ", "webhook-timestamp: ", "webhook-signature: v1,"] {
        assert!(head.contains(header), "{head}");
    }
    assert_eq!(
        (&body["type"], &body["data"]["user_id"]),
        (&"device.gone".into(), &"u1".into())
    );
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_and_given_up_in_the_end() {
    let webhook = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = world(&webhook, 2).await;
    lose_a_device(&world).await;

    let (first, _) = tokio::join!(pass(&world), answer(&webhook, "503 Service Unavailable"));
    world.hand.advance(Duration::from_secs(3_600));
    let (second, _) = tokio::join!(pass(&world), answer(&webhook, "302 Found"));
    world.hand.advance(Duration::from_secs(86_400));
    let third = pass(&world).await;

    assert_eq!((first.put_off, second.dead, third), (1, 1, Report::default()));
    assert_eq!(states(&world).await, [(FeedbackState::Dead, 2)]);
}
