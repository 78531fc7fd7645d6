//! Tokens as senders show them, signed by another library than the one that verifies them.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::Value;

/// A sender's key.
pub(crate) struct Key {
    signing: EncodingKey,
    /// An uncompressed point.
    pub(crate) public: Vec<u8>,
}

impl Key {
    pub(crate) fn generate() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self {
            signing: EncodingKey::from_ec_der(key.to_pkcs8v1().unwrap().as_ref()),
            public: key.public_key().as_ref().to_vec(),
        }
    }

    pub(crate) fn base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.public)
    }

    pub(crate) fn sign(&self, key_id: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = key_id.map(str::to_owned);
        encode(&header, claims, &self.signing).unwrap()
    }
}
