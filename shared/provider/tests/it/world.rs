//! A sink, and the gateways' clients that send to it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use campaign::{CampaignId, Lane, Priority, PushId, RenderedMessage};
use chrono::{DateTime, Utc};
use emulator::clock::{Clock, ManualClock};
use emulator::sink::ledger::{Entry, Reader};
use emulator::sink::{Config, Counts, Script, Server};
use provider::apns::{self, Apns};
use provider::fcm::{self, Credentials, Fcm};
use provider::web_push::{self, Endpoints, Subscription, WebPush};
use provider::{Address, Gateways, Now, Outcome, Outgoing, PoolSettings, Proving, SigningKey, Target, Trust};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const TOPIC: &str = "com.example.app";

pub(crate) struct World {
    pub(crate) gateways: Gateways,
    pub(crate) clock: Arc<ManualClock>,
    server: Server,
    http: reqwest::Client,
    directory: TempDir,
}

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-07-01T12:00:00Z")
        .unwrap()
        .to_utc()
}

/// A pool's settings, of one connection unless they are changed.
pub(crate) fn pool() -> PoolSettings {
    PoolSettings {
        connections: 1,
        streams: 100,
        timeout: Duration::from_secs(20),
        age: Duration::from_secs(3_600),
        proving: Proving::NotNeeded,
    }
}

/// The push of a user of one campaign.
pub(crate) fn push() -> PushId {
    PushId::of(
        CampaignId("00000000-0000-0000-0000-000000000007".parse().unwrap()),
        "u1",
    )
}

pub(crate) fn message() -> RenderedMessage {
    RenderedMessage {
        title: "花子さんへ".to_owned(),
        body: "A coupon \"for you\"".to_owned(),
        image: Some("https://example.com/i.png".to_owned()),
        deep_link: Some("app://offer".to_owned()),
        data: BTreeMap::from([("rank".to_owned(), "7".to_owned())]),
        sound: Some("default".into()),
        badge: Some(3),
        priority: Priority::Normal,
        ..RenderedMessage::default()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::configured(|_| ()).await
    }

    /// With a sink that answers as `answers` say.
    pub(crate) async fn answering(answers: Value) -> Self {
        let script = serde_json::from_value::<Script>(json!({ "answers": answers })).unwrap();
        Self::configured(|config| config.script = script).await
    }

    pub(crate) async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        Self::with_key(SigningKey::generate(), change).await
    }

    /// With that key as the team's at Apple.
    pub(crate) async fn with_key(key: SigningKey, change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(now()));
        let mut config = Config::new(directory.path().join("ledger"));
        config.clock = clock.clone();
        change(&mut config);
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::start(config, any_port).await.unwrap();
        let base = format!("http://{}", server.address());
        let told = clock.clone();
        let gateways = gateways(&base, key, &Now::new(move || told.now()));
        Self {
            gateways,
            clock,
            server,
            http: client(),
            directory,
        }
    }

    pub(crate) async fn send(&self, address: Address<'_>) -> Outcome {
        self.send_message(address, &message()).await
    }

    pub(crate) async fn send_message(&self, address: Address<'_>, message: &RenderedMessage) -> Outcome {
        let outgoing = Outgoing {
            push: push(),
            message,
            time_to_live: Duration::from_secs(3_600),
        };
        match self.gateways.slot(address, Lane::Fast).await {
            Ok(slot) => slot.send(&outgoing).await,
            Err(outcome) => outcome,
        }
    }

    /// A subscription of the sink's.
    pub(crate) async fn subscribe(&self, subscriber: Value) -> Subscription {
        let url = format!("http://{}/_sink/subscriptions", self.server.address());
        let answer = self
            .http
            .post(url)
            .body(subscriber.to_string())
            .send()
            .await
            .unwrap();
        let given: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let endpoints = self.gateways.web_push.as_ref().unwrap().endpoints();
        let text = |place: &str| given.pointer(place).unwrap().as_str().unwrap();
        Subscription::parse(
            endpoints,
            text("/endpoint"),
            text("/keys/p256dh"),
            text("/keys/auth"),
        )
        .unwrap()
    }

    pub(crate) async fn play(&self, script: Value) {
        let url = format!("http://{}/_sink/script", self.server.address());
        let answer = self.http.put(url).body(script.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{script}");
    }

    pub(crate) fn counts(&self) -> Counts {
        self.server.counts()
    }

    pub(crate) fn ledger(&self) -> Vec<Entry> {
        let path = self.directory.path().join("ledger");
        Reader::open(path).unwrap().map(Result::unwrap).collect()
    }
}

fn gateways(base: &str, key: SigningKey, now: &Now) -> Gateways {
    let target = || Target::parse(base, &Trust::default()).unwrap();
    let fcm = Fcm::new(fcm::Config {
        target: target(),
        project: "demo".to_owned(),
        credentials: Credentials::Token("t0k3n".to_owned()),
        pool: pool(),
        now: now.clone(),
    });
    let apns = Apns::new(apns::Config {
        production: target(),
        sandbox: target(),
        key: apns::Key {
            key,
            key_id: "KEY1234567".to_owned(),
            team_id: "TEAM123456".to_owned(),
        },
        topic: Some(TOPIC.to_owned()),
        pool: PoolSettings {
            proving: Proving::OneStream,
            ..pool()
        },
        now: now.clone(),
    });
    let web_push = WebPush::new(web_push::Config {
        key: SigningKey::generate(),
        subject: "mailto:ops@example.com".to_owned(),
        endpoints: Endpoints::StandIn(base.to_owned()),
        trust: Trust::default(),
        pool: pool(),
        now: now.clone(),
    });
    Gateways {
        fcm: Some(fcm.unwrap()),
        apns: Some(apns.unwrap()),
        web_push: Some(web_push.unwrap()),
    }
}

/// A client without TLS: the sink is on loopback.
fn client() -> reqwest::Client {
    let tls =
        rustls::ClientConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()
        .unwrap()
}
