//! The browser that has a subscription: it decrypts messages (RFC 8291 over RFC 8188).

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Salt, record size, and the length of the key's id.
const FIXED: usize = 16 + 4 + 1;

/// A browser.
#[derive(Debug)]
pub(super) struct Browser {
    key: PrivateKey,
    public: Vec<u8>,
    auth: [u8; 16],
    bound_to: Option<String>,
}

impl Browser {
    /// The one with the subscription of that path, `name` or `application server key/name`.
    /// `None` if there cannot be such a one.
    pub(super) fn of(path: &str) -> Option<Self> {
        let (bound_to, name) = match path.split_once('/') {
            Some((key, name)) => (Some(key), name),
            None => (None, path),
        };
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name.is_empty() || !name.bytes().all(base64url) {
            return None;
        }
        if let Some(key) = bound_to {
            let point = URL_SAFE_NO_PAD.decode(key).ok()?;
            (point.len() == 65).then_some(())?;
        }
        let scalar = digest(&SHA256, format!("noroshi sink, key of {path}").as_bytes());
        let key = PrivateKey::from_private_key(&ECDH_P256, scalar.as_ref()).ok()?;
        let secret = digest(&SHA256, format!("noroshi sink, auth of {path}").as_bytes());
        Some(Self {
            public: key.compute_public_key().ok()?.as_ref().to_vec(),
            key,
            auth: secret.as_ref()[..16].try_into().ok()?,
            bound_to: bound_to.map(str::to_owned),
        })
    }

    pub(super) fn p256dh(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.public)
    }

    pub(super) fn auth(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.auth)
    }

    /// The key of the only one who may send, if there is one.
    pub(super) fn bound_to(&self) -> Option<&str> {
        self.bound_to.as_deref()
    }

    /// The message in a body of one record; `None` if it is not for this browser, or not whole.
    pub(super) fn decrypt(&self, body: &[u8]) -> Option<Vec<u8>> {
        let (fixed, rest) = body.split_at_checked(FIXED)?;
        let (salt, fixed) = fixed.split_at(16);
        let record = u32::from_be_bytes(fixed[..4].try_into().ok()?);
        let (sender, sealed) = rest.split_at_checked(usize::from(fixed[4]))?;
        if sender.len() != 65 || record < 18 || sealed.len() > usize::try_from(record).ok()? {
            return None;
        }
        let theirs = UnparsedPublicKey::new(&ECDH_P256, sender);
        let shared = agree(&self.key, theirs, (), |secret| Ok(secret.to_vec())).ok()?;
        let extracted = hmac(&self.auth, &[&shared]);
        let material = hmac(&extracted, &[b"WebPush: info\0", &self.public, sender, &[1]]);
        let extracted = hmac(salt, &[&material]);
        let key = hmac(&extracted, &[b"Content-Encoding: aes128gcm\0\x01"]);
        let nonce = hmac(&extracted, &[b"Content-Encoding: nonce\0\x01"]);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..16]).ok()?);
        let nonce = Nonce::try_assume_unique_for_key(&nonce[..12]).ok()?;
        let mut opened = sealed.to_vec();
        let length = key.open_in_place(nonce, Aad::empty(), &mut opened).ok()?.len();
        opened.truncate(length);
        // Padding: zeros behind a 2, which says that no record follows.
        while opened.last() == Some(&0) {
            opened.pop();
        }
        (opened.pop() == Some(2)).then_some(opened)
    }
}

/// HMAC-SHA-256 over the parts.
fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    context.sign().as_ref().to_vec()
}
