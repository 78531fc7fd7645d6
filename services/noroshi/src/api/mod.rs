//! A client of the HTTP API, for every command that works on a running installation.
//!
//! It speaks to the one that is configured here, or to any other whose address and token are
//! given; whether that is one process or many, it cannot tell.

mod arguments;
mod error;

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use runtime::config::Secret;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use arguments::ApiArguments;
pub use error::Error;

/// How long an answer may take. An upload is answered when all of it is stored, however long
/// that takes.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// A client of one installation.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    base: String,
    token: Secret,
}

/// A JSON document as it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    request: &'static str,
    text: String,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: Option<String>,
    detail: Option<String>,
}

impl Api {
    /// Of the installation whose API listens there.
    pub fn at(address: SocketAddr, token: Secret) -> Result<Self, Error> {
        Self::of(&format!("http://{address}"), token)
    }

    /// Of the installation whose API is at that URL, without a slash at its end.
    pub(crate) fn of(url: &str, token: Secret) -> Result<Self, Error> {
        // A proxy in the environment is for what lies beyond this installation.
        let client = Client::builder().no_proxy().build();
        Ok(Self {
            client: client.map_err(no_answer("the first request"))?,
            base: format!("{url}/v1"),
            token,
        })
    }

    /// Begins a request for what is at `path`, below `/v1`.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path)).timeout(ANSWER_WITHIN)
    }

    /// Begins a request that has something done.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path)).timeout(ANSWER_WITHIN)
    }

    /// Begins a request that puts something there.
    pub fn put(&self, path: &str) -> RequestBuilder {
        self.client.put(self.url(path)).timeout(ANSWER_WITHIN)
    }

    /// Begins a request whose body, or whose answer's, may take as long as it will.
    pub fn transfer(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// Sends a request, `what` it is in words, and reads what is answered.
    pub async fn answer<T: DeserializeOwned>(
        &self,
        what: &'static str,
        request: RequestBuilder,
    ) -> Result<T, Error> {
        self.document(what, request).await?.read()
    }

    /// Sends a request and gives the document as it was answered.
    pub async fn document(&self, what: &'static str, request: RequestBuilder) -> Result<Document, Error> {
        let text = self.send(what, request).await?.text().await;
        Ok(Document {
            request: what,
            text: text.map_err(no_answer(what))?,
        })
    }

    /// Sends a request and gives the answer as soon as it begins, if it is not a refusal.
    pub async fn send(&self, what: &'static str, request: RequestBuilder) -> Result<Response, Error> {
        let response = request.bearer_auth(self.token.expose()).send().await;
        let response = response.map_err(no_answer(what))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let problem = response.json().await.unwrap_or(Problem {
            kind: None,
            detail: None,
        });
        Err(Error::Refused {
            request: what,
            status,
            problem: problem.kind,
            detail: problem.detail.unwrap_or_else(|| "without a reason".to_owned()),
        })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

impl Document {
    /// The document, to be handed on.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The document as a value.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.text).map_err(|source| Error::Foreign {
            request: self.request,
            source,
        })
    }
}

/// For answers that did not come, or broke off.
pub(crate) fn no_answer(request: &'static str) -> impl FnOnce(reqwest::Error) -> Error {
    move |source| Error::NoAnswer { request, source }
}
