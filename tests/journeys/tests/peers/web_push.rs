//! Our Web Push messages, before a push service and a browser of others'.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use campaign::{CampaignId, Lane, PushId, RenderedMessage};
use chrono::Utc;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use journeys::engines;
use journeys::world::until;
use provider::web_push::{Config, Endpoints, Subscription, WebPush};
use provider::{Address, Gateways, Now, Outcome, Outgoing, PoolSettings, Proving, SigningKey, Trust};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::program::Program;

/// A client of ours whose subscriptions are all at `base`.
fn gateways(base: &str) -> Gateways {
    #[expect(clippy::disallowed_methods, reason = "others' programs tell no other time")]
    let now = Now::new(Utc::now);
    let web_push = WebPush::new(Config {
        key: SigningKey::generate(),
        subject: "mailto:ops@example.com".to_owned(),
        endpoints: Endpoints::StandIn(base.to_owned()),
        trust: Trust::default(),
        pool: PoolSettings {
            connections: 1,
            streams: 100,
            timeout: Duration::from_secs(20),
            age: Duration::from_secs(3_600),
            proving: Proving::NotNeeded,
        },
        now,
    });
    Gateways {
        web_push: Some(web_push.unwrap()),
        ..Gateways::default()
    }
}

fn push() -> PushId {
    PushId::of(
        CampaignId("00000000-0000-0000-0000-000000000007".parse().unwrap()),
        "u1",
    )
}

async fn send(gateways: &Gateways, subscription: &Subscription) -> Outcome {
    let message = RenderedMessage {
        title: "花子さんへ".to_owned(),
        body: "A coupon".to_owned(),
        ..RenderedMessage::default()
    };
    let outgoing = Outgoing {
        push: push(),
        message: &message,
        time_to_live: Duration::from_secs(60),
    };
    let slot = gateways
        .slot(Address::WebPush(subscription), Lane::Fast)
        .await
        .unwrap();
    slot.send(&outgoing).await
}

#[tokio::test]
async fn web_push_testing_takes_and_decrypts_a_message_and_tells_when_it_has_expired() {
    let Some(peers) = engines::peers() else { return };
    runtime::process::install_crypto();
    let (_program, ports) = Program::node(&peers, "web-push.mjs", &[]).said().await;
    let service = format!("http://localhost:{}", ports["service"]);
    let base = format!("http://127.0.0.1:{}", ports["front"]);
    let gateways = gateways(&base);
    let http = reqwest::Client::new();
    let ask = async |path: &str, body: Value| -> Value {
        let answer = http
            .post(format!("{service}{path}"))
            .json(&body)
            .send()
            .await
            .unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
    };
    until("the push service listens", async || {
        let answer = http.post(format!("{service}/status")).send().await;
        answer.ok().map(drop)
    })
    .await;
    let key = gateways.web_push.as_ref().unwrap().public_key();
    let wanted = json!({ "userVisibleOnly": "true", "applicationServerKey": key });
    let given = ask("/subscribe", wanted).await["data"].take();
    let text = |place: &str| {
        given
            .pointer(place)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{given}"))
    };
    let client = text("/clientHash");
    let subscription = Subscription::parse(
        gateways.web_push.as_ref().unwrap().endpoints(),
        &format!("{base}/notify/{client}"),
        text("/keys/p256dh"),
        text("/keys/auth"),
    )
    .unwrap();

    let taken = send(&gateways, &subscription).await;
    let read = ask("/get-notifications", json!({ "clientHash": client })).await;
    ask(&format!("/expire-subscription/{client}"), json!({})).await;
    let expired = send(&gateways, &subscription).await;

    let message = read
        .pointer("/data/messages/0")
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{read}"));
    let message = serde_json::from_str::<Value>(message).unwrap();
    assert_eq!(taken, Outcome::Accepted);
    assert_eq!(message["title"], "花子さんへ");
    assert_eq!(message["push_id"], push().to_string());
    assert_eq!(expired, Outcome::AddressGone { since: None });
}

#[tokio::test]
async fn http_ece_decrypts_a_message_and_pyjwt_verifies_its_token() {
    let Some(peers) = engines::peers() else { return };
    let (mut browser, keys) = Program::python(&peers, "browser.py").said().await;
    let (base, mut requests) = push_service().await;
    let gateways = gateways(&base);
    let key = |name: &str| keys[name].as_str().unwrap();
    let subscription = Subscription::parse(
        gateways.web_push.as_ref().unwrap().endpoints(),
        &format!("{base}/s"),
        key("p256dh"),
        key("auth"),
    )
    .unwrap();

    let outcome = send(&gateways, &subscription).await;
    let (authorization, body) = requests.recv().await.unwrap();
    browser.tell(&json!({
        "body": STANDARD.encode(body),
        "authorization": authorization,
        "origin": base,
    }));
    let (_browser, read) = browser.said().await;

    assert_eq!(outcome, Outcome::Accepted);
    assert_eq!(read["scheme"], "vapid");
    assert_eq!(read["claims"]["sub"], "mailto:ops@example.com");
    assert_eq!(read["message"]["title"], "花子さんへ");
    assert_eq!(read["message"]["push_id"], push().to_string());
}

/// A push service that takes everything; what it took is the `Authorization` header and the body.
async fn push_service() -> (String, mpsc::UnboundedReceiver<(String, Bytes)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (took, requests) = mpsc::unbounded_channel();
    TaskTracker::new().spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let took = Arc::new(took);
        let service = service_fn(move |request: Request<Incoming>| {
            let took = took.clone();
            async move {
                let authorization = request.headers()["authorization"].to_str().unwrap().to_owned();
                let body = request.into_body().collect().await?.to_bytes();
                took.send((authorization, body)).unwrap();
                let mut answer = Response::new(Full::<Bytes>::default());
                *answer.status_mut() = StatusCode::CREATED;
                Ok::<_, hyper::Error>(answer)
            }
        });
        let builder = http2::Builder::new(TokioExecutor::new());
        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    });
    (base, requests)
}
