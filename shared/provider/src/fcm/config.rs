//! Which project, where, and in whose name.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use google_cloud_auth::credentials::{self, CacheableResource};
use http::header::AUTHORIZATION;
use http::{Extensions, HeaderValue};

use crate::credential::{Renewal, Verdict};
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
#[derive(Debug)]
pub(super) struct Authorization {
    credentials: Credentials,
    current: Mutex<Current>,
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

impl Authorization {
    pub(super) fn new(credentials: Credentials) -> Result<Self, ConfigError> {
        let current = Current {
            source: source(&credentials)?,
            renewal: Renewal::new(RENEW_AT_MOST_EVERY),
        };
        Ok(Self {
            credentials,
            current: Mutex::new(current),
        })
    }

    /// The header; `None` if Google does not give a token.
    pub(super) async fn header(&self) -> Option<Header> {
        let (source, generation) = {
            let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            (current.source.clone(), current.renewal.current())
        };
        let value = match source {
            Source::Fixed(header) => header,
            Source::Google(credentials) => fetch(&credentials).await?,
        };
        Some(Header { value, generation })
    }

    /// What follows from a refusal of `header`: the first forgets the cached token, so that the
    /// next message has one that is fetched anew.
    pub(super) fn refused(&self, header: &Header, now: DateTime<Utc>) -> Verdict {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = current.renewal.refused(header.generation, now);
        if verdict == Verdict::Renew {
            match source(&self.credentials) {
                Ok(source) => current.source = source,
                Err(_) => return Verdict::Refused,
            }
        }
        verdict
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

async fn fetch(credentials: &credentials::Credentials) -> Option<HeaderValue> {
    match credentials.headers(Extensions::new()).await {
        Ok(CacheableResource::New { data, .. }) => data.get(AUTHORIZATION).cloned(),
        // Only said to those who name the version that they have, which is not done here.
        Ok(CacheableResource::NotModified) => None,
        Err(error) => {
            tracing::warn!(error = %error, "google gives no access token");
            None
        }
    }
}
