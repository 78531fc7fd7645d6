//! The gateways, as the configuration says.
//!
//! The sink stands for all of them or for none. A stand-in, which is spoken to in clear, is shown
//! no credential that is good elsewhere.

use std::num::NonZeroU32;
use std::time::Duration;

use provider::apns::{self, Apns};
use provider::fcm::{self, Credentials, Fcm};
use provider::web_push::{self, Endpoints, WebPush};
use provider::{Gateways, Now, PoolSettings, Proving, Target, TargetError, Trust, TrustError};

pub use provider::{KeyError, SigningKey};

use crate::backends::is_stand_in;
use crate::clock::Clock;
use crate::config::{Config, Endpoint};

/// Requests at once on one connection to a gateway; FCM closes a connection that has more.
pub const STREAMS: usize = 100;

/// How long a connection lives. Gateways want few new ones; machines behind a name change.
const AGE: Duration = Duration::from_secs(3_600);

const APPLES: &str = "https://api.push.apple.com";
const APPLES_SANDBOX: &str = "https://api.sandbox.push.apple.com";

/// What a stand-in is told that would be who sends.
const NOBODY: &str = "stand-in";
const NOBODYS_MAILBOX: &str = "mailto:nobody@noroshi.invalid";

/// A gateway whose settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file of authorities cannot be read.
    #[error("[provider] authorities")]
    AuthoritiesFile(#[source] std::io::Error),
    /// What is in it.
    #[error("[provider] authorities")]
    Authorities(#[from] TrustError),
    /// FCM's address.
    #[error("[provider.fcm] endpoint")]
    FcmEndpoint(#[source] TargetError),
    /// FCM's settings.
    #[error("[provider.fcm]")]
    Fcm(#[from] fcm::ConfigError),
    /// FCM's credentials are not JSON.
    #[error("[provider.fcm] credentials: must be a service account's key in JSON")]
    FcmCredentials,
    /// APNs's address.
    #[error("[provider.apns] {setting}")]
    ApnsEndpoint {
        /// Which of the two.
        setting: &'static str,
        /// What is wrong.
        source: TargetError,
    },
    /// APNs's key.
    #[error("[provider.apns] key")]
    ApnsKey(#[source] KeyError),
    /// APNs's settings.
    #[error("[provider.apns] topic")]
    Apns(#[from] apns::ConfigError),
    /// Web Push's key.
    #[error("[provider.web_push] key")]
    WebPushKey(#[source] KeyError),
    /// Web Push's settings.
    #[error("[provider.web_push]")]
    WebPush(#[from] web_push::ConfigError),
}

/// The gateways that are configured; `sink` is where the embedded one listens, if it does.
pub(crate) fn connect(config: &Config, sink: Option<&str>, clock: &Clock) -> Result<Gateways, ConfigError> {
    let clock = clock.clone();
    let now = Now::new(move || clock.now());
    let at = |endpoint: &Endpoint| match endpoint {
        Endpoint::At(url) => Some(url.as_str().to_owned()),
        Endpoint::Embedded => sink.map(str::to_owned),
    };
    let trust = trust(config)?;
    let fcm = at(&config.provider.fcm.endpoint);
    let fcm = fcm
        .map(|endpoint| fcm_config(config, &endpoint, &trust, &now))
        .transpose()?;
    let apns = at(&config.provider.apns.endpoint);
    let apns = apns
        .map(|endpoint| apns_config(config, &endpoint, &trust, &now))
        .transpose()?;
    let web_push = web_push_config(config, sink, trust, &now)?;
    Ok(Gateways {
        fcm: fcm.map(Fcm::new).transpose()?,
        apns: apns.map(Apns::new).transpose()?,
        web_push: web_push.map(WebPush::new).transpose()?,
    })
}

fn trust(config: &Config) -> Result<Trust, ConfigError> {
    match &config.provider.authorities {
        None => Ok(Trust::default()),
        Some(file) => {
            let pem = std::fs::read(file).map_err(ConfigError::AuthoritiesFile)?;
            Ok(Trust::with(&pem)?)
        }
    }
}

fn fcm_config(config: &Config, endpoint: &str, trust: &Trust, now: &Now) -> Result<fcm::Config, ConfigError> {
    let settings = &config.provider.fcm;
    let credentials = match &settings.credentials {
        // A token of Google's must not go over the wire in clear.
        _ if is_stand_in(endpoint) => Credentials::Token(NOBODY.to_owned()),
        None => Credentials::Ambient,
        Some(key) => {
            let key = serde_json::from_str(key.expose()).map_err(|_| ConfigError::FcmCredentials)?;
            Credentials::ServiceAccount(key)
        }
    };
    Ok(fcm::Config {
        target: Target::parse(endpoint, trust).map_err(ConfigError::FcmEndpoint)?,
        project: settings.project.clone(),
        credentials,
        pool: pool(settings.connections, settings.timeout, Proving::NotNeeded),
        now: now.clone(),
    })
}

fn apns_config(
    config: &Config,
    endpoint: &str,
    trust: &Trust,
    now: &Now,
) -> Result<apns::Config, ConfigError> {
    let settings = &config.provider.apns;
    let sandbox = match &settings.sandbox {
        Some(url) => url.as_str(),
        None if endpoint == APPLES => APPLES_SANDBOX,
        None => endpoint,
    };
    let in_clear = is_stand_in(endpoint) || is_stand_in(sandbox);
    let key = match &settings.key {
        // A token of the team's is good everywhere, and must not go over the wire in clear.
        Some(key) if !in_clear => SigningKey::from_pem(key.expose()).map_err(ConfigError::ApnsKey)?,
        Some(_) | None => SigningKey::generate(),
    };
    let named = |name: &str| if name.is_empty() { NOBODY } else { name }.to_owned();
    let target = |setting, at: &str| {
        Target::parse(at, trust).map_err(|source| ConfigError::ApnsEndpoint { setting, source })
    };
    let topic = match &settings.topic {
        None if in_clear => Some(NOBODY.to_owned()),
        topic => topic.clone(),
    };
    Ok(apns::Config {
        production: target("endpoint", endpoint)?,
        sandbox: target("sandbox", sandbox)?,
        key: apns::Key {
            key,
            key_id: named(&settings.key_id),
            team_id: named(&settings.team_id),
        },
        topic,
        pool: pool(settings.connections, settings.timeout, Proving::OneStream),
        now: now.clone(),
    })
}

fn web_push_config(
    config: &Config,
    sink: Option<&str>,
    trust: Trust,
    now: &Now,
) -> Result<Option<web_push::Config>, ConfigError> {
    let settings = &config.provider.web_push;
    let stand_in = settings.stand_in.as_ref().map(|url| url.as_str());
    let endpoints = match (stand_in.or(sink), &settings.key) {
        (Some(base), _) => Endpoints::StandIn(base.to_owned()),
        (None, Some(_)) => Endpoints::Public,
        (None, None) => return Ok(None),
    };
    let key = match &settings.key {
        // A token is good at one origin alone, so a stand-in may see it.
        Some(key) => SigningKey::from_pem(key.expose()).map_err(ConfigError::WebPushKey)?,
        None => SigningKey::generate(),
    };
    let subject = settings.subject.as_deref().unwrap_or(NOBODYS_MAILBOX);
    Ok(Some(web_push::Config {
        key,
        subject: subject.to_owned(),
        endpoints,
        trust,
        pool: pool(settings.connections, settings.timeout, Proving::NotNeeded),
        now: now.clone(),
    }))
}

fn pool(connections: NonZeroU32, timeout: Duration, proving: Proving) -> PoolSettings {
    PoolSettings {
        connections: usize::try_from(connections.get()).unwrap_or(1),
        streams: STREAMS,
        timeout,
        age: AGE,
        proving,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(variables: &[(&str, &str)]) -> Config {
        crate::process::install_crypto();
        let variables = variables
            .iter()
            .map(|(name, value)| (format!("NOROSHI__PROVIDER__{name}"), (*value).to_owned()));
        Config::read(None, variables).unwrap()
    }

    /// A secret in a file, and the reference to it.
    fn secret(text: &str) -> (tempfile::NamedTempFile, String) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let reference = format!("file:{}", file.path().display());
        (file, reference)
    }

    fn connected(config: &Config, sink: Option<&str>) -> Gateways {
        connect(config, sink, &Clock::system()).unwrap()
    }

    #[tokio::test]
    async fn only_a_gateway_behind_tls_is_shown_credentials() {
        let now = Now::new(|| Clock::system().now());
        let key = SigningKey::generate();
        let (_account, account) = secret("{}");
        let (_p8, p8) = secret(&key.to_pem());
        let credentials = |endpoint: &str| {
            let config = configured(&[
                ("FCM__PROJECT", "p"),
                ("FCM__ENDPOINT", endpoint),
                ("FCM__CREDENTIALS", &account),
            ]);
            format!(
                "{:?}",
                fcm_config(&config, endpoint, &Trust::default(), &now)
                    .unwrap()
                    .credentials
            )
        };
        let apns = |endpoint: &str| {
            let config = configured(&[
                ("APNS__ENDPOINT", endpoint),
                ("APNS__KEY", &p8),
                ("APNS__KEY_ID", "K"),
                ("APNS__TEAM_ID", "T"),
            ]);
            let shown = apns_config(&config, endpoint, &Trust::default(), &now)
                .unwrap()
                .key
                .key;
            shown.public_key() == key.public_key()
        };

        assert_eq!(credentials("http://127.0.0.1:8086"), "Token(..)");
        assert_eq!(credentials("https://fcm.googleapis.com"), "ServiceAccount(..)");
        assert!(apns("https://api.push.apple.com"));
        assert!(!apns("http://127.0.0.1:8086"));
    }

    #[tokio::test]
    async fn the_sink_stands_for_all_gateways_or_for_none() {
        let all = connected(&configured(&[]), Some("http://127.0.0.1:8086"));
        let config = configured(&[("FCM__PROJECT", "p"), ("FCM__ENDPOINT", "http://127.0.0.1:8086")]);
        let fcm_alone = connected(&config, None);

        assert!(all.fcm.is_some() && all.apns.is_some() && all.web_push.is_some());
        assert!(!config.provider.is_embedded());
        assert!(fcm_alone.fcm.is_some() && fcm_alone.apns.is_none() && fcm_alone.web_push.is_none());
    }

    #[tokio::test]
    async fn a_key_of_apples_makes_the_gateway_apples() {
        let (_p8, p8) = secret(&SigningKey::generate().to_pem());
        let config = configured(&[("APNS__KEY", &p8), ("APNS__KEY_ID", "K"), ("APNS__TEAM_ID", "T")]);

        assert_eq!(config.provider.apns.endpoint.to_string(), APPLES);
        assert!(connected(&config, None).fcm.is_none());
    }
}
