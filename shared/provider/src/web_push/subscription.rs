//! A browser's subscription: where it listens, and for whom messages to it are encrypted.

use std::net::IpAddr;

use aws_lc_rs::agreement::{ECDH_P256, ParsedPublicKey, UnparsedPublicKey};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::Uri;

use super::config::Endpoints;
use crate::http2::is_public;

/// Browsers give base64url without padding; some libraries add it.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The longest endpoint, in bytes.
const MAX_ENDPOINT: usize = 2_048;

/// A subscription that can be sent to.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    endpoint: String,
    /// How much of the endpoint is its origin.
    origin: usize,
    pub(super) keys: Keys,
}

/// What messages are encrypted for.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Keys {
    /// The browser's public key: an uncompressed point.
    pub(super) p256dh: [u8; 65],
    /// The secret that it shares with us.
    pub(super) auth: [u8; 16],
}

/// What is wrong with a subscription: the part, and the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionError {
    /// The endpoint.
    Endpoint(&'static str),
    /// The browser's public key.
    P256dh(&'static str),
    /// The shared secret.
    Auth(&'static str),
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subscription({}/..)", self.origin())
    }
}

impl Subscription {
    /// A subscription, if its endpoint is one that is sent to.
    pub fn parse(
        allowed: &Endpoints,
        endpoint: &str,
        p256dh: &str,
        auth: &str,
    ) -> Result<Self, SubscriptionError> {
        let rule = match allowed {
            Endpoints::Public => "must be the https:// URL of a push service on the public internet",
            Endpoints::StandIn(_) => "must be an endpoint of the configured stand-in",
        };
        let refused = SubscriptionError::Endpoint(rule);
        let subscription = Self {
            origin: origin_length(endpoint).ok_or(refused)?,
            endpoint: endpoint.to_owned(),
            keys: Keys::parse(p256dh, auth)?,
        };
        if allowed.include(&subscription) {
            Ok(subscription)
        } else {
            Err(refused)
        }
    }

    /// `https://host`, without a slash at its end: whom it belongs to.
    pub(super) fn origin(&self) -> &str {
        &self.endpoint[..self.origin]
    }

    pub(super) fn uri(&self) -> Option<Uri> {
        self.endpoint.parse().ok()
    }

    /// Whether it is on the public internet, as far as its text tells: what a name leads to is
    /// only known when it is connected to.
    pub(super) fn is_public(&self) -> bool {
        let Some(host) = self.origin().strip_prefix("https://") else {
            return false;
        };
        let host = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => host,
        };
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        literal.parse::<IpAddr>().map_or(host.contains('.'), is_public)
    }
}

impl Keys {
    fn parse(p256dh: &str, auth: &str) -> Result<Self, SubscriptionError> {
        let wrong_key =
            SubscriptionError::P256dh("must be an uncompressed P-256 point of 65 bytes in base64url");
        let wrong_secret = SubscriptionError::Auth("must be 16 bytes in base64url");
        let p256dh = BASE64URL.decode(p256dh).map_err(|_| wrong_key)?;
        let p256dh = <[u8; 65]>::try_from(p256dh).map_err(|_| wrong_key)?;
        // A point that is not on the curve would be refused at every send.
        let point = UnparsedPublicKey::new(&ECDH_P256, p256dh);
        ParsedPublicKey::try_from(&point).map_err(|_| wrong_key)?;
        let auth = BASE64URL.decode(auth).map_err(|_| wrong_secret)?;
        let auth = <[u8; 16]>::try_from(auth).map_err(|_| wrong_secret)?;
        Ok(Self { p256dh, auth })
    }
}

fn origin_length(endpoint: &str) -> Option<usize> {
    if endpoint.len() > MAX_ENDPOINT {
        return None;
    }
    let uri = endpoint.parse::<Uri>().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    // A user or a password before the host, which nobody needs, would deceive whoever reads it.
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return None;
    }
    let length = scheme.len() + "://".len() + authority.as_str().len();
    // As it was written, and in small letters, so that one origin has one name.
    let origin = endpoint.get(..length)?;
    (origin == origin.to_ascii_lowercase()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const P256DH: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    fn endpoint(endpoint: &str) -> Result<Subscription, SubscriptionError> {
        Subscription::parse(&Endpoints::Public, endpoint, P256DH, AUTH)
    }

    #[test]
    fn an_endpoint_is_an_https_url_on_the_public_internet() {
        let good = endpoint("https://updates.push.services.mozilla.com/wpush/v2/gAAA").unwrap();

        assert_eq!(good.origin(), "https://updates.push.services.mozilla.com");
        assert!(endpoint("https://8.8.8.8:8443/x").is_ok());
        for wrong in [
            "",
            "http://push.example.com/x",
            "https://localhost/x",
            "https://intranet/x",
            "https://127.0.0.1/x",
            "https://10.0.0.1:443/x",
            "https://169.254.169.254/latest",
            "https://[::1]/x",
            "https://[fd00::1]:443/x",
            "https://user@push.example.com/x",
            "https://PUSH.example.com/x",
            "ftp://push.example.com/x",
            "/x",
        ] {
            assert!(
                matches!(endpoint(wrong), Err(SubscriptionError::Endpoint(_))),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_stand_in_is_the_only_one_in_clear_and_the_only_one_at_all() {
        let allowed = Endpoints::StandIn("http://127.0.0.1:8086".to_owned());
        let parse = |endpoint: &str| Subscription::parse(&allowed, endpoint, P256DH, AUTH);

        assert!(parse("http://127.0.0.1:8086/web-push/1").is_ok());
        for wrong in [
            "http://127.0.0.1:80861/x",
            "http://127.0.0.1:8087/x",
            "https://push.example.com/x",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn keys_are_a_point_on_the_curve_and_sixteen_bytes() {
        let parse = |p256dh: &str, auth: &str| {
            Subscription::parse(&Endpoints::Public, "https://push.example.com/x", p256dh, auth).map(|_| ())
        };
        let off_the_curve = format!("B{}", "A".repeat(86));

        assert_eq!(parse(&format!("{P256DH}="), AUTH), Ok(()));
        for wrong in ["", "AAAA", &P256DH[1..], &off_the_curve] {
            assert!(
                matches!(parse(wrong, AUTH), Err(SubscriptionError::P256dh(_))),
                "{wrong}"
            );
        }
        for wrong in ["", "AAAA", "BTBZMqHH6r4Tts7J_aSIggAA"] {
            assert!(
                matches!(parse(P256DH, wrong), Err(SubscriptionError::Auth(_))),
                "{wrong}"
            );
        }
    }
}
