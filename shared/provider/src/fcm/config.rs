//! Which project, where, and in whose name.
//!
//! Access tokens are fetched by one task of Google's library, for as long as the credentials are in
//! use: four minutes before one ends, again every ten seconds where that fails, and the old one
//! serves meanwhile. So no message waits for a token but the first, those after a refusal, and
//! those after an end that came before any answer; they wait together, for one fetch, and no longer
//! than their attempts. What that task does not do is to begin again after an answer that it takes
//! to be final, an account that was locked for a while: then the next message that is let through
//! the gateway's pause begins anew.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use google_cloud_auth::credentials::{self, CacheableResource};
use http::header::AUTHORIZATION;
use http::{Extensions, HeaderValue};

use crate::credential::{Generation, Renewal, Verdict};
use crate::header::sensitive;
use crate::http2::{PoolSettings, Target};
use crate::now::Now;

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";

/// A Firebase project and how to reach it.
#[derive(Debug)]
pub struct Config {
    /// `https://fcm.googleapis.com`, or where a stand-in listens.
    pub target: Target,
    /// The Firebase project's id.
    pub project: String,
    /// In whose name messages are sent.
    pub credentials: Credentials,
    /// Connections and time limits.
    pub pool: PoolSettings,
    /// Tells the time.
    pub now: Now,
}

/// In whose name messages are sent.
pub enum Credentials {
    /// A service account's key, as the JSON that Google hands out.
    ServiceAccount(serde_json::Value),
    /// Application Default Credentials: what the host itself may do.
    Ambient,
    /// A bearer token that is used as it is; for stand-ins.
    Token(String),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ServiceAccount(_) => "ServiceAccount(..)",
            Self::Ambient => "Ambient",
            Self::Token(_) => "Token(..)",
        })
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The project's id does not fit a URL.
    #[error("`{0}` is not a project id")]
    Project(String),
    /// The credentials are malformed or not there.
    #[error("the FCM credentials cannot be used")]
    Credentials(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A refused token is not fetched anew more often than this.
const RENEW_AT_MOST_EVERY: Duration = Duration::from_secs(60);

/// Where the `Authorization` header comes from.
pub(super) struct Authorization {
    /// Makes what gives tokens, which knows of none.
    make: Box<dyn Fn() -> Result<Source, ConfigError> + Send + Sync>,
    current: Mutex<Current>,
}

impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authorization(..)")
    }
}

#[derive(Debug)]
struct Current {
    source: Source,
    renewal: Renewal,
}

#[derive(Clone, Debug)]
enum Source {
    Fixed(HeaderValue),
    /// The library fetches tokens, caches them and renews them before they expire.
    Google(credentials::Credentials),
}

/// A header, and which one in a row it is.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) value: HeaderValue,
    generation: u64,
}

/// What the library gave.
enum Fetched {
    Token(HeaderValue),
    /// Nothing, and it tries again by itself.
    NotNow,
    /// Nothing, and it does not try again.
    NeverAgain,
}

impl Authorization {
    pub(super) fn new(credentials: Credentials) -> Result<Self, ConfigError> {
        Self::made_by(move || source(&credentials))
    }

    fn made_by(
        make: impl Fn() -> Result<Source, ConfigError> + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        let current = Current {
            source: make()?,
            renewal: Renewal::new(RENEW_AT_MOST_EVERY),
        };
        Ok(Self {
            make: Box::new(make),
            current: Mutex::new(current),
        })
    }

    /// The header; `None` if Google does not give a token.
    pub(super) async fn header(&self) -> Option<Header> {
        let (mut source, mut generation) = {
            let current = self.lock();
            (current.source.clone(), current.renewal.current())
        };
        let mut fetched = fetch(&source).await;
        if matches!(fetched, Fetched::NeverAgain) {
            (source, generation) = self.begin_anew(generation)?;
            fetched = fetch(&source).await;
        }
        match fetched {
            Fetched::Token(value) => Some(Header { value, generation }),
            Fetched::NotNow | Fetched::NeverAgain => None,
        }
    }

    /// Replaces the source of that generation, which gives no more tokens, unless somebody has.
    fn begin_anew(&self, generation: Generation) -> Option<(Source, Generation)> {
        let mut current = self.lock();
        if current.renewal.current() == generation {
            current.source = (self.make)().ok()?;
            current.renewal.made();
        }
        Some((current.source.clone(), current.renewal.current()))
    }

    /// What follows from a refusal of `header`: the first forgets the cached token, so that the
    /// next message has one that is fetched anew.
    pub(super) fn refused(&self, header: &Header, now: DateTime<Utc>) -> Verdict {
        let mut current = self.lock();
        let verdict = current.renewal.refused(header.generation, now);
        if verdict == Verdict::Renew {
            match (self.make)() {
                Ok(source) => current.source = source,
                Err(_) => return Verdict::Refused,
            }
        }
        verdict
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        // Nothing in there can panic half-way.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn source(credentials: &Credentials) -> Result<Source, ConfigError> {
    let refused = |error| ConfigError::Credentials(Box::new(error));
    let credentials = match credentials {
        Credentials::Token(token) => {
            let header = sensitive(&format!("Bearer {token}"));
            let refused = || ConfigError::Credentials("the token does not fit a header".into());
            return header.map(Source::Fixed).ok_or_else(refused);
        }
        Credentials::ServiceAccount(key) => credentials::service_account::Builder::new(key.clone())
            .with_access_specifier(credentials::service_account::AccessSpecifier::from_scopes([
                SCOPE,
            ]))
            .build()
            .map_err(refused)?,
        Credentials::Ambient => credentials::Builder::default()
            .with_scopes([SCOPE])
            .build()
            .map_err(refused)?,
    };
    Ok(Source::Google(credentials))
}

async fn fetch(source: &Source) -> Fetched {
    let credentials = match source {
        Source::Fixed(header) => return Fetched::Token(header.clone()),
        Source::Google(credentials) => credentials,
    };
    match credentials.headers(Extensions::new()).await {
        Ok(CacheableResource::New { data, .. }) => match data.get(AUTHORIZATION) {
            Some(header) => Fetched::Token(header.clone()),
            None => Fetched::NotNow,
        },
        // Only said to those who name the version that they have, which is not done here.
        Ok(CacheableResource::NotModified) => Fetched::NotNow,
        Err(error) => {
            tracing::warn!(error = %error, "google gives no access token");
            if error.is_transient() {
                Fetched::NotNow
            } else {
                Fetched::NeverAgain
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use futures::future::join_all;
    use google_cloud_auth::credentials::user_account;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;

    /// A place that hands out tokens for an hour, or says that it never will.
    struct Tokens {
        is_kind: AtomicBool,
        asked: AtomicUsize,
    }

    /// Where tokens come from, and what they are served by for as long as that is kept.
    async fn authorization(is_kind: bool) -> (Authorization, Arc<Tokens>, JoinSet<()>) {
        // Whoever installs it first does it for all tests of the process.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/token", listener.local_addr().unwrap());
        let tokens = Arc::new(Tokens {
            is_kind: AtomicBool::new(is_kind),
            asked: AtomicUsize::new(0),
        });
        let mut served = JoinSet::new();
        served.spawn(serve(listener, tokens.clone()));
        let user = serde_json::json!({"type": "authorized_user", "client_id": "c", "client_secret": "s",
            "refresh_token": "r"});
        let make = move || {
            let user = user_account::Builder::new(user.clone())
                .with_token_uri(&uri)
                .build();
            user.map(Source::Google)
                .map_err(|error| ConfigError::Credentials(Box::new(error)))
        };
        (Authorization::made_by(make).unwrap(), tokens, served)
    }

    async fn serve(listener: TcpListener, tokens: Arc<Tokens>) {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !String::from_utf8_lossy(&request).contains("refresh_token") {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0);
            }
            let no = tokens.asked.fetch_add(1, Ordering::SeqCst) + 1;
            let (status, body) = if tokens.is_kind.load(Ordering::SeqCst) {
                let token = serde_json::json!({"access_token": format!("token-{no}"), "expires_in": 3600,
                    "token_type": "Bearer"});
                ("200 OK", token.to_string())
            } else {
                ("401 Unauthorized", "{}".to_owned())
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close",
                body.len()
            );
            let answer = format!("{head}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    fn text(header: Option<Header>) -> String {
        let header = header.expect("there is a token");
        header.value.to_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn everybody_waits_for_one_first_token_and_nobody_after_that() {
        let (authorization, tokens, _served) = authorization(true).await;

        let first = join_all((0..100).map(|_| authorization.header())).await;
        // Nobody is asked any more: it would say no.
        tokens.is_kind.store(false, Ordering::SeqCst);
        let later = join_all((0..100).map(|_| authorization.header())).await;

        assert!(
            first
                .into_iter()
                .chain(later)
                .all(|header| text(header) == "Bearer token-1")
        );
        assert_eq!(tokens.asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn whoever_was_refused_for_good_is_asked_again_for_the_next_message() {
        let (authorization, tokens, _served) = authorization(false).await;

        let refused = join_all((0..100).map(|_| authorization.header())).await;
        let asked = tokens.asked.load(Ordering::SeqCst);
        tokens.is_kind.store(true, Ordering::SeqCst);
        let taken = authorization.header().await;

        assert!(refused.iter().all(Option::is_none));
        // The first, and once more for all of them.
        assert_eq!(asked, 2);
        assert_eq!(text(taken), "Bearer token-3");
    }
}
