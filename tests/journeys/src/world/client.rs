//! The HTTP API as a user's program calls it.
//!
//! A request that the test expects to succeed panics with what the API said instead; one whose
//! refusal is the point is made by [`Client::ask`].

use std::net::SocketAddr;

use campaign::{AudienceId, CampaignId};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::until::until;
use super::view::{AudienceView, Progress};

/// The most addresses that one request registers.
const REGISTRATIONS: usize = 10_000;

/// The address of the one device that [`Client::register`] gives a user.
pub fn device_of(user: &str) -> String {
    format!("device-of-{user}")
}

/// A caller with the token.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// What the API answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// The body; null where there is none.
    pub body: Value,
}

impl Client {
    /// A caller of the API at `address`.
    pub fn new(address: SocketAddr, token: &str) -> Self {
        runtime::process::install_crypto();
        Self {
            http: reqwest::Client::new(),
            base: format!("http://{address}"),
            token: token.to_owned(),
        }
    }

    /// The same caller, of the API at that URL.
    #[must_use]
    pub fn at(&self, url: String) -> Self {
        Self {
            base: url,
            ..self.clone()
        }
    }

    /// Where the API is.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Asks, and takes whatever is answered. `None` if nobody answers.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Option<Answer> {
        let request = self.request(method, path);
        send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// Posts under an idempotency key.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.try_post_once(path, key, body)
            .await
            .expect("the API answers")
    }

    /// Posts under an idempotency key. `None` if nobody answers.
    pub async fn try_post_once(&self, path: &str, key: &str, body: &Value) -> Option<Answer> {
        let request = self
            .request(Method::POST, path)
            .header("Idempotency-Key", key)
            .json(body);
        send(request).await
    }

    /// What is at `path`.
    ///
    /// # Panics
    /// If the API refuses.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        read(path, self.ask(Method::GET, path, None).await)
    }

    /// Posts, with a body or without.
    ///
    /// # Panics
    /// If the API refuses.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: Option<&Value>) -> T {
        read(path, self.ask(Method::POST, path, body).await)
    }

    /// Asks for something to be done, without a body.
    ///
    /// # Panics
    /// If the API refuses.
    pub async fn tell(&self, method: Method, path: &str) {
        let _: Value = read(path, self.ask(method, path, None).await);
    }

    /// Uploads a text.
    ///
    /// # Panics
    /// If the API refuses.
    pub async fn upload<T: DeserializeOwned>(&self, path: &str, media_type: &str, text: String) -> T {
        read(path, self.try_upload(path, media_type, text).await)
    }

    /// Uploads a text. `None` if nobody answers.
    pub async fn try_upload(&self, path: &str, media_type: &str, text: String) -> Option<Answer> {
        let request = self.request(Method::POST, path);
        send(request.header("Content-Type", media_type).body(text)).await
    }

    /// Puts a part of a file, with that `Content-Digest`.
    ///
    /// # Panics
    /// If nobody answers.
    pub async fn put_part(&self, path: &str, digest: &str, bytes: Vec<u8>) -> Answer {
        let request = self.request(Method::PUT, path).header("Content-Digest", digest);
        send(request.body(bytes)).await.expect("the API answers")
    }

    /// Gives each of the users one device, with the address [`device_of`] them.
    pub async fn register(&self, users: &[String]) {
        for users in users.chunks(REGISTRATIONS) {
            let line = |user| json!({"user_id": user, "kind": "fcm_token", "address": device_of(user)});
            let lines = users.iter().map(|user| line(user).to_string() + "\n").collect();
            let _: Value = self.upload("/v1/devices", "application/x-ndjson", lines).await;
        }
    }

    /// Waits until an audience is imported.
    pub async fn until_ready(&self, audience: AudienceId) {
        until("the audience is ready", async || {
            let audience: AudienceView = self.get(&format!("/v1/audiences/{audience}")).await;
            (audience.state == "ready").then_some(())
        })
        .await;
    }

    /// How far a campaign is.
    pub async fn progress(&self, campaign: CampaignId) -> Progress {
        self.get(&format!("/v1/campaigns/{campaign}/progress")).await
    }

    /// Schedules, starts, pauses, resumes or cancels a campaign, by that word.
    pub async fn turn(&self, campaign: CampaignId, transition: &str) {
        let path = format!("/v1/campaigns/{campaign}/{transition}");
        self.tell(Method::POST, &path).await;
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.base);
        self.http.request(method, url).bearer_auth(&self.token)
    }
}

async fn send(request: RequestBuilder) -> Option<Answer> {
    let response = request.send().await.ok()?;
    let status = response.status();
    let bytes = response.bytes().await.ok()?;
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Some(Answer { status, body })
}

fn read<T: DeserializeOwned>(path: &str, answer: Option<Answer>) -> T {
    let Some(Answer { status, body }) = answer else {
        panic!("{path}: nobody answers");
    };
    assert!(status.is_success(), "{path}: {status} {body}");
    serde_json::from_value(body).unwrap_or_else(|error| panic!("{path}: {error}"))
}
