//! A served API with a SQLite file, a clock that stands still, and a client.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use campaign::AudienceId;
use database::audience::{Phase, Progress};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use runtime::clock::ManualClock;
use runtime::config::Secret;
use runtime::{Backends, Clock, Config, Embedded, Process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) const TOKEN: &str = "t0k3n";

/// One API and everything behind it, embedded.
pub(crate) struct World {
    pub(crate) backends: Backends,
    pub(crate) clock: ManualClock,
    pub(crate) address: SocketAddr,
    pub(crate) embedded: Mutex<Option<Embedded>>,
    client: Client,
    _directory: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) json: Value,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(mut config: Config) -> Self {
        runtime::process::install_crypto();
        let directory = tempfile::tempdir().unwrap();
        config.data.dir = directory.path().to_owned();
        // The embedded parts sleep on a clock of their own: whoever waits for sleepers on the
        // API's waits for the API.
        let outside = Process::new(config.clone(), Clock::system());
        let (backends, embedded) = Backends::connect(&outside).await.unwrap();
        let clock = ManualClock::at("2026-07-01T12:00:00Z".parse().unwrap());
        let backends = Backends {
            process: Process::new(config, clock.clock()),
            ..backends
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = admin::service(backends.clone(), Secret::new("test", TOKEN));
        let process = backends.process.clone();
        backends
            .process
            .tasks
            .spawn(async move { service.serve(listener, &process).await.unwrap() });
        Self {
            backends,
            clock,
            address,
            embedded: Mutex::new(Some(embedded)),
            client: Client::new(),
            _directory: directory,
        }
    }

    /// The address of the API in another process, on the same stores.
    pub(crate) async fn another_process(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = admin::service(self.backends.clone(), Secret::new("test", TOKEN));
        let process = self.backends.process.clone();
        self.backends
            .process
            .tasks
            .spawn(async move { service.serve(listener, &process).await.unwrap() });
        address
    }

    /// A request with the token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(TOKEN)
    }

    /// A request without the token.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    /// Does something beside the test.
    pub(crate) fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.backends.process.tasks.spawn(work)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PUT, path).json(&body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    /// Uploads a file under the name `file`.
    pub(crate) async fn upload(&self, file: impl Into<reqwest::Body>) -> Answer {
        send(self.upload_request(file)).await
    }

    /// With more parameters.
    pub(crate) async fn upload_with(&self, query: &str, file: &'static str) -> Answer {
        let request = self.request(Method::POST, &format!("/v1/audiences?name=file&{query}"));
        send(request.header("content-type", "text/csv").body(file)).await
    }

    pub(crate) fn upload_request(&self, file: impl Into<reqwest::Body>) -> RequestBuilder {
        self.request(Method::POST, "/v1/audiences?name=file")
            .header("content-type", "text/csv")
            .body(file)
    }

    /// An audience that is ready, with as many recipients and these variables.
    pub(crate) async fn ready_audience(&self, size: u64, variables: &[&str]) -> String {
        let id = self.upload("user_id\nu1\n").await.id();
        self.import(&id, size, variables).await;
        id
    }

    /// Ends the import of an uploaded audience, without reading its file.
    pub(crate) async fn import(&self, id: &str, size: u64, variables: &[&str]) {
        let now = self.clock.clock().now();
        let until = now + Duration::from_secs(60);
        let id: AudienceId = id.parse().unwrap();
        let mut tx = self.backends.db.begin().await.unwrap();
        let claim = database::audience::claim_import(&mut tx, now, until)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(claim.audience.id, id, "another audience waits for its import");
        let progress = Progress {
            size,
            chunk_count: u32::try_from(size.div_ceil(499)).unwrap(),
            variables: json!(variables).to_string(),
            rejected: json!({"duplicate": 2}).to_string(),
            ..Progress::default()
        };
        let advanced =
            database::audience::advance(&mut tx, id, claim.token, Phase::Merge, &progress, now, until).await;
        assert_eq!(advanced.unwrap(), database::Change::Applied);
        let ready = database::audience::mark_ready(&mut tx, id, claim.token, &[0; 32], now).await;
        assert_eq!(ready.unwrap(), database::Change::Applied);
        let finished = database::audience::finish_import(&mut tx, id, claim.token, now).await;
        assert_eq!(finished.unwrap(), database::Change::Applied);
        tx.commit().await.repeatable().unwrap();
    }

    /// A draft to a ready audience of 1,000.
    pub(crate) async fn draft(&self) -> String {
        let audience = self.ready_audience(1_000, &[]).await;
        let created = self.post("/v1/campaigns", plan(&audience)).await;
        assert_eq!(created.status, StatusCode::CREATED, "{:?}", created.json);
        created.id()
    }
}

impl Answer {
    pub(crate) fn id(&self) -> String {
        self.json["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no id in {self:?}"))
            .to_owned()
    }

    /// The problem's name and status.
    pub(crate) fn problem(&self) -> (u16, &str) {
        let kind = self
            .headers
            .get("content-type")
            .map(|kind| kind.to_str().unwrap());
        assert_eq!(kind, Some("application/problem+json"), "{self:?}");
        assert_eq!(self.json["status"], self.status.as_u16(), "{self:?}");
        let name = self.json["type"]
            .as_str()
            .unwrap()
            .strip_prefix("urn:noroshi:problem:");
        (self.status.as_u16(), name.unwrap())
    }

    /// The field that an unaccepted value stands in.
    pub(crate) fn unaccepted(&self) -> &str {
        assert_eq!(self.problem(), (422, "invalid"), "{self:?}");
        self.json["field"].as_str().unwrap()
    }
}

/// A message without variables.
pub(crate) fn message() -> Value {
    json!({"default_locale": "en", "texts": {"en": {"title": "Hello", "body": "A coupon for you"}}})
}

/// A campaign to that audience, sent as soon as it is started.
pub(crate) fn plan(audience: &str) -> Value {
    json!({"name": "spring", "message": message(), "audience_id": audience})
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer {
        status,
        headers,
        json,
    }
}
