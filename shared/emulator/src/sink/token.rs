//! Tokens that are signed with ES256, as those who send show them.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;

/// A token that was read, and not verified yet.
#[derive(Debug)]
pub(super) struct Token<'t, H, C> {
    pub(super) header: H,
    pub(super) claims: C,
    signed: &'t str,
    signature: Vec<u8>,
}

impl<'t, H: DeserializeOwned, C: DeserializeOwned> Token<'t, H, C> {
    /// Reads it; `None` if it is none.
    pub(super) fn read(text: &'t str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        Some(Self {
            header: serde_json::from_slice(&part(header)?).ok()?,
            claims: serde_json::from_slice(&part(claims)?).ok()?,
            signed,
            signature: part(signature).filter(|signature| signature.len() == 64)?,
        })
    }

    /// Whether it is signed with that key, an uncompressed point.
    pub(super) fn is_signed_with(&self, key: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
        key.verify(self.signed.as_bytes(), &self.signature).is_ok()
    }
}
