//! Which project, where, and in whose name.

use google_cloud_auth::credentials::{self, CacheableResource};
use http::header::AUTHORIZATION;
use http::{Extensions, HeaderValue};

use crate::http2::{PoolSettings, Target, sensitive};

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

/// Where the `Authorization` header comes from.
#[derive(Debug)]
pub(super) enum Authorization {
    Fixed(HeaderValue),
    /// The library fetches tokens, caches them and renews them before they expire.
    Google(credentials::Credentials),
}

impl Authorization {
    pub(super) fn new(credentials: Credentials) -> Result<Self, ConfigError> {
        let refused = |error| ConfigError::Credentials(Box::new(error));
        let credentials = match credentials {
            Credentials::Token(token) => {
                let header = sensitive(&format!("Bearer {token}"));
                let refused = || ConfigError::Credentials("the token does not fit a header".into());
                return header.map(Self::Fixed).ok_or_else(refused);
            }
            Credentials::ServiceAccount(key) => credentials::service_account::Builder::new(key)
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
        Ok(Self::Google(credentials))
    }

    /// The header's value; `None` if Google does not give a token.
    pub(super) async fn header(&self) -> Option<HeaderValue> {
        let credentials = match self {
            Self::Fixed(header) => return Some(header.clone()),
            Self::Google(credentials) => credentials,
        };
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
}
