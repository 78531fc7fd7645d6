//! ES256: tokens signed with a P-256 key, as APNs and Web Push want them.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use serde::Serialize;

/// A P-256 key that signs tokens.
pub struct SigningKey(EcdsaKeyPair);

/// Text that is no such key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a P-256 private key in PEM, as Apple's .p8 file or as `noroshi keys vapid` prints it")]
pub struct KeyError;

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl SigningKey {
    /// A new key.
    pub fn generate() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Self(key.expect("the system has randomness"))
    }

    /// Reads PEM: PKCS #8, or SEC 1 as OpenSSL writes it.
    ///
    /// # Errors
    ///
    /// Nothing of the text is in the error.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        if let Ok(key) = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()) {
            let key = EcdsaKeyPair::from_pkcs8(algorithm, key.secret_pkcs8_der());
            return key.map(Self).map_err(|_| KeyError);
        }
        let key = PrivateSec1KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError)?;
        let key = EcdsaKeyPair::from_private_key_der(algorithm, key.secret_sec1_der());
        key.map(Self).map_err(|_| KeyError)
    }

    /// The key in PEM, PKCS #8. For the one who keeps it; never for a log.
    pub fn to_pem(&self) -> String {
        use base64::engine::general_purpose::STANDARD;

        let der = self.0.to_pkcs8v1().expect("a P-256 key has this form");
        let text = STANDARD.encode(der.as_ref());
        let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
        let lines = lines.collect::<Vec<_>>().join("\n");
        format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n")
    }

    /// The public key: an uncompressed point, in base64url, as browsers take it.
    pub fn public_key(&self) -> String {
        let point = self.0.public_key().as_ref();
        URL_SAFE_NO_PAD.encode(point)
    }

    /// A JSON Web Token with this header and these claims.
    pub(crate) fn sign(&self, header: &impl Serialize, claims: &impl Serialize) -> String {
        let mut token = encode(header) + "." + &encode(claims);
        let signature = self.0.sign(&SystemRandom::new(), token.as_bytes());
        let signature = signature.expect("the system has randomness");
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        token
    }
}

fn encode(part: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).expect("texts and numbers serialise"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_written_is_read_again() {
        let key = SigningKey::generate();

        let read = SigningKey::from_pem(&key.to_pem()).unwrap();

        assert_eq!(read.public_key(), key.public_key());
        assert_eq!(key.public_key().len(), 87);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_quoted() {
        let rsa = "-----BEGIN PRIVATE KEY-----\ncanary=\n-----END PRIVATE KEY-----\n";

        for text in ["", "canary", rsa] {
            let error = SigningKey::from_pem(text).unwrap_err();

            assert!(!error.to_string().contains("canary"));
        }
    }
}
