//! One dispatch of a task: the HTTP request, its deadline, and what came back.

use std::time::Duration;

use chrono::{DateTime, Utc};
use gcloud_sdk::google::cloud::tasks::v2::{HttpMethod, HttpRequest, Task, http_request, task};
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method};
use reqwest::redirect;

use super::headers;
use super::identity::Identity;
use super::proto_time::duration;
use super::store::Entry;
use crate::clock::Clock;

/// An answer longer than this is not read to its end, and its connection is not used again.
const READ_TO_END: u64 = 64 << 10;

/// What came of an attempt.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// When the request was made.
    pub(super) dispatched_at: DateTime<Utc>,
    /// What came back.
    pub(super) received: Received,
}

/// What came back from the handler.
#[derive(Clone, Debug)]
pub(super) enum Received {
    /// An answer of the handler, or of something in front of it.
    Response {
        status: u16,
        retry_after: Option<Duration>,
    },
    /// The handler could not be reached, or the connection broke.
    Nothing,
    /// The task's dispatch deadline passed.
    DeadlineExceeded,
}

impl Answer {
    /// Whether the task is done: any 2xx.
    pub(super) fn is_success(&self) -> bool {
        matches!(self.received, Received::Response { status: 200..300, .. })
    }

    /// The least delay that the handler asked for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self.received {
            Received::Response { retry_after, .. } => retry_after,
            Received::Nothing | Received::DeadlineExceeded => None,
        }
    }
}

/// Makes the HTTP client: no redirects, no proxy, connections kept alive.
pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider supports the versions that rustls holds safe")
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .user_agent("Google-Cloud-Tasks")
        .build()
}

/// Dispatches a task once and waits for the answer until its deadline.
pub(super) async fn attempt(
    client: &reqwest::Client,
    identity: &Identity,
    clock: &dyn Clock,
    entry: &Entry,
) -> Answer {
    let dispatched_at = clock.now();
    let deadline = dispatched_at + deadline(&entry.task);
    let received = tokio::select! {
        received = exchange(client, identity, entry, dispatched_at) => received,
        () = clock.sleep_until(deadline) => Received::DeadlineExceeded,
    };
    Answer {
        dispatched_at,
        received,
    }
}

async fn exchange(
    client: &reqwest::Client,
    identity: &Identity,
    entry: &Entry,
    now: DateTime<Utc>,
) -> Received {
    let Some(task::MessageType::HttpRequest(request)) = &entry.task.message_type else {
        return Received::Nothing;
    };
    let mut headers = headers::for_attempt(&request.headers, entry);
    if !authorize(&mut headers, identity, request, now) {
        return Received::Nothing;
    }
    let answer = client
        .request(method(request), &request.url)
        .headers(headers)
        .body(request.body.clone())
        .send()
        .await;
    match answer {
        Ok(answer) => {
            let received = Received::Response {
                status: answer.status().as_u16(),
                retry_after: retry_after(answer.headers(), now),
            };
            read_to_end(answer).await;
            received
        }
        Err(error) => {
            tracing::debug!(error = %error.without_url(), "a task's handler did not answer");
            Received::Nothing
        }
    }
}

/// Adds the OIDC token that the task asks for; false if it cannot be made.
fn authorize(
    headers: &mut HeaderMap,
    identity: &Identity,
    request: &HttpRequest,
    now: DateTime<Utc>,
) -> bool {
    let Some(http_request::AuthorizationHeader::OidcToken(asked)) = &request.authorization_header else {
        return true;
    };
    let audience = if asked.audience.is_empty() {
        &request.url
    } else {
        &asked.audience
    };
    let bearer = identity
        .token(&asked.service_account_email, audience, now)
        .ok()
        .and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
    match bearer {
        Some(bearer) => {
            headers.insert(AUTHORIZATION, bearer);
            true
        }
        None => {
            tracing::error!("an OIDC token could not be signed");
            false
        }
    }
}

/// Reads an answer to its end, so that its connection can be used again; a long one only so far.
/// What is in it, and whether it breaks off, does not matter: the status is known.
async fn read_to_end(mut answer: reqwest::Response) {
    let mut read = 0;
    while let Ok(Some(part)) = answer.chunk().await {
        read += part.len() as u64;
        if read > READ_TO_END {
            return;
        }
    }
}

fn deadline(task: &Task) -> Duration {
    task.dispatch_deadline
        .as_ref()
        .and_then(duration)
        .unwrap_or(Duration::from_secs(600))
}

fn method(request: &HttpRequest) -> Method {
    match request.http_method() {
        HttpMethod::Post | HttpMethod::Unspecified => Method::POST,
        HttpMethod::Get => Method::GET,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Options => Method::OPTIONS,
    }
}

/// `Retry-After` in either of its forms: seconds, or an HTTP date.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?;
    (at.to_utc() - now).to_std().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))])
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = DateTime::from_timestamp(1_445_412_420, 0).unwrap();

        assert_eq!(retry_after(&headers("120"), now), Some(Duration::from_secs(120)));
        assert_eq!(
            retry_after(&headers("Wed, 21 Oct 2015 07:28:00 GMT"), now),
            Some(Duration::from_secs(60))
        );
        assert_eq!(retry_after(&headers("soon"), now), None);
    }
}
