//! Signatures of webhooks, as [Standard Webhooks](https://www.standardwebhooks.com) has them:
//! HMAC-SHA256 over `id.timestamp.body`, under a secret that is written `whsec_` and base64.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// What signs.
#[derive(Debug)]
pub(super) struct Secret(hmac::Key);

impl Secret {
    /// The secret, as it is written; `None` if it is not written so, or has not 24 to 64 bytes.
    pub(super) fn parse(secret: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD
            .decode(secret.trim().strip_prefix("whsec_")?)
            .ok()?;
        (24..=64)
            .contains(&bytes.len())
            .then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The header `webhook-signature`.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let signed = hmac::sign(&self.0, format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", BASE64_STANDARD.encode(signed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_example_is_signed_as_there() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();

        let signature = secret.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );

        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret_is_none() {
        for wrong in [
            "",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_c2hvcnQ=",
            "whsec_%",
        ] {
            assert!(Secret::parse(wrong).is_none(), "{wrong}");
        }
    }
}
