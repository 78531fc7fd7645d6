//! A Web Push service (RFC 8030), and the browser behind it: it decrypts what it is sent.
//!
//! `POST /_sink/subscriptions` hands out a subscription as a browser does. Its keys derive from
//! its name, so that nothing has to be remembered: any number of them may be made, and all of
//! them are there after a restart.

mod browser;
mod request;
mod vapid;

use http::header::{HOST, LOCATION};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, json, read, with_retry_after};
use super::connection::Connection;
use super::gateway::{Accepted, Becomes, Gateway};
use super::ledger::Entry;
use super::script::Outcome;
use super::stats::count;
use browser::Browser;

/// Who wants a subscription.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Subscriber {
    /// Its name: letters, digits, `-` and `_`; any if there is none.
    name: Option<String>,
    /// The key of the only one who may send to it (`applicationServerKey`), in base64url.
    key: Option<String>,
}

/// A subscription, as `PushSubscription.toJSON()` gives it.
#[derive(Debug, Serialize)]
struct Subscription {
    endpoint: String,
    #[serde(rename = "expirationTime")]
    expiration_time: Option<u64>,
    keys: Keys,
}

#[derive(Debug, Serialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

/// Hands out a subscription.
pub(super) async fn subscribe(request: Request<Incoming>) -> Answer {
    let origin = origin(&request);
    let wrong = |error: &str| json(StatusCode::BAD_REQUEST, &serde_json::json!({ "error": error }));
    let body = match read(request).await {
        Ok(body) if body.is_empty() => Ok(Subscriber::default()),
        Ok(body) => serde_json::from_slice::<Subscriber>(&body).map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    let subscriber = match body {
        Ok(subscriber) => subscriber,
        Err(error) => return wrong(&error),
    };
    let name = subscriber
        .name
        .unwrap_or_else(|| format!("{:032x}", rand::random::<u128>()));
    let path = match &subscriber.key {
        Some(key) => format!("{key}/{name}"),
        None => name,
    };
    let Some(browser) = Browser::of(&path) else {
        return wrong("a name has letters, digits, - and _ alone, and a key is a point in base64url");
    };
    let subscription = Subscription {
        endpoint: format!("{origin}/web-push/{path}"),
        expiration_time: None,
        keys: Keys {
            p256dh: browser.p256dh(),
            auth: browser.auth(),
        },
    };
    json(StatusCode::CREATED, &subscription)
}

/// Answers a request to send; `path` is what is behind `/web-push/`.
pub(super) async fn send(
    gateway: &Gateway,
    path: &str,
    request: Request<Incoming>,
    connection: &Connection,
) -> Answer {
    count(&gateway.stats.requests);
    try_send(gateway, path, request, connection)
        .await
        .unwrap_or_else(|refusal| {
            count(match refusal.0 {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => &gateway.stats.unauthenticated,
                _ => &gateway.stats.invalid,
            });
            refusal.into_response()
        })
}

/// A status, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refusal(StatusCode, &'static str);

impl Refusal {
    const fn bad(reason: &'static str) -> Self {
        Self(StatusCode::BAD_REQUEST, reason)
    }

    fn into_response(self) -> Answer {
        json(self.0, &serde_json::json!({ "error": self.1 }))
    }
}

async fn try_send(
    gateway: &Gateway,
    path: &str,
    request: Request<Incoming>,
    connection: &Connection,
) -> Result<Answer, Refusal> {
    let now = gateway.now();
    if request.method() != Method::POST {
        return Err(Refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "a message is sent by POST",
        ));
    }
    let browser = Browser::of(path).ok_or(Refusal(StatusCode::NOT_FOUND, "there is no such subscription"))?;
    let origin = origin(&request);
    let headers = request.headers().clone();
    vapid::check(&headers, &origin, browser.bound_to(), now)?;
    request::check(&headers)?;
    let body = read(request).await.map_err(|_| request::TOO_LARGE)?;
    if body.len() > request::LARGEST_BODY {
        return Err(request::TOO_LARGE);
    }
    let plaintext = browser
        .decrypt(&body)
        .ok_or(Refusal::bad("the body cannot be decrypted"))?;
    let message = Accepted {
        project: "web_push",
        entry: Entry {
            push_id: request::push_id(&plaintext).unwrap_or_default(),
            address: format!("{origin}/web-push/{path}"),
            collapse_id: text(&headers, "topic"),
            attempt: None,
            received_at: now,
        },
        validate_only: false,
    };
    match gateway.take(message, connection).await {
        Becomes::WrittenDown => Ok(created(&origin, gateway.number())),
        Becomes::Answered(answer) => Ok(answer),
        Becomes::Struck(strike) => {
            let mut answer = Response::new(Full::default());
            *answer.status_mut() = status(strike.outcome);
            Ok(with_retry_after(answer, strike.retry_after))
        }
        Becomes::Lost => Ok(Refusal(StatusCode::SERVICE_UNAVAILABLE, "not written down").into_response()),
    }
}

/// What a push service answers for an outcome.
fn status(outcome: Outcome) -> StatusCode {
    match outcome {
        Outcome::Unregistered => StatusCode::GONE,
        Outcome::InvalidArgument | Outcome::SenderIdMismatch => StatusCode::FORBIDDEN,
        Outcome::BadRequest => StatusCode::PAYLOAD_TOO_LARGE,
        Outcome::QuotaExceeded | Outcome::DeviceQuotaExceeded => StatusCode::TOO_MANY_REQUESTS,
        Outcome::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Outcome::ThirdPartyAuthError | Outcome::Unauthenticated => StatusCode::UNAUTHORIZED,
        Outcome::Unavailable | Outcome::ResetAfterAccept | Outcome::Hang | Outcome::GoAway => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

fn created(origin: &str, number: u64) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::CREATED;
    if let Ok(place) = HeaderValue::from_str(&format!("{origin}/message/{number}")) {
        answer.headers_mut().insert(LOCATION, place);
    }
    answer
}

/// Under which name the client speaks to us: in clear, since there is no TLS here.
fn origin(request: &Request<Incoming>) -> String {
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let host = || request.headers().get(HOST)?.to_str().ok();
    format!("http://{}", authority.or_else(host).unwrap_or_default())
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}
