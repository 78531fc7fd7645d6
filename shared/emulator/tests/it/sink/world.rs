//! A sink with a ledger of its own, and a client.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use emulator::sink::ledger::{Entry, Reader};
use emulator::sink::{Config, Counts, Fault, Outcome, Script, Server};
use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) server: Server,
    client: reqwest::Client,
    directory: TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// `errorCode` of the FCM error in the details, if there is one.
    pub(crate) fn error_code(&self) -> Option<&str> {
        self.detail("type.googleapis.com/google.firebase.fcm.v1.FcmError")?["errorCode"].as_str()
    }

    /// The fields that are at fault, if any are named.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let Some(detail) = self.detail("type.googleapis.com/google.rpc.BadRequest") else {
            return Vec::new();
        };
        let violations = detail["fieldViolations"].as_array().unwrap();
        violations
            .iter()
            .map(|violation| violation["field"].as_str().unwrap())
            .collect()
    }

    fn detail(&self, kind: &str) -> Option<&Value> {
        let details = self.body["error"]["details"].as_array()?;
        details.iter().find(|detail| detail["@type"] == kind)
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::configured(|_| ()).await
    }

    pub(crate) async fn playing(script: Script) -> Self {
        Self::configured(|config| config.script = script).await
    }

    pub(crate) async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::new(directory.path().join("ledger"));
        change(&mut config);
        let server = Server::start(config, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .await
            .unwrap();
        Self {
            server,
            client: client(),
            directory,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    pub(crate) async fn send(&self, message: Value) -> Answer {
        self.post(json!({ "message": message })).await
    }

    pub(crate) async fn post(&self, body: Value) -> Answer {
        self.try_post(body.to_string(), Some("Bearer secret"))
            .await
            .unwrap()
    }

    /// A request that is ready to be sent.
    pub(crate) fn request(&self, message: Value) -> RequestBuilder {
        let request = self.client.post(self.url("/v1/projects/demo/messages:send"));
        request
            .bearer_auth("secret")
            .body(json!({ "message": message }).to_string())
    }

    pub(crate) async fn try_post(
        &self,
        body: String,
        authorization: Option<&str>,
    ) -> reqwest::Result<Answer> {
        let request = self
            .client
            .post(self.url("/v1/projects/demo/messages:send"))
            .body(body);
        Self::exchange(request, authorization).await
    }

    pub(crate) async fn post_to(&self, path: &str) -> Answer {
        Self::exchange(self.client.post(self.url(path)), Some("Bearer secret"))
            .await
            .unwrap()
    }

    async fn exchange(mut request: RequestBuilder, authorization: Option<&str>) -> reqwest::Result<Answer> {
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Answer {
            status,
            headers,
            body: serde_json::from_str(&answer.text().await?).unwrap(),
        })
    }

    pub(crate) async fn play(&self, script: Value) -> u16 {
        let request = self
            .client
            .put(self.url("/_sink/script"))
            .body(script.to_string());
        request.send().await.unwrap().status().as_u16()
    }

    pub(crate) async fn counts(&self) -> Counts {
        let answer = self.client.get(self.url("/_sink/stats")).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    pub(crate) async fn count(&self, outcome: Outcome) -> u64 {
        self.counts().await.faults[&outcome]
    }

    pub(crate) fn ledger(&self) -> Vec<Entry> {
        let path = self.directory.path().join("ledger");
        Reader::open(path).unwrap().collect::<io::Result<_>>().unwrap()
    }
}

/// A script by which every address is struck, every time.
pub(super) fn always(outcome: Outcome) -> Script {
    let fault = Fault {
        outcome,
        share: 1.0,
        first: None,
        in_all: None,
        retry_after: None,
    };
    Script {
        faults: vec![fault],
        ..Script::default()
    }
}

/// A client without TLS: the sink is on loopback.
pub(super) fn client() -> reqwest::Client {
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
