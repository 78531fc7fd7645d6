//! The queue's identity: an RSA key, the OIDC tokens it signs, and the documents to verify them.
//!
//! A dispatch proves by its token that it comes from this queue and for which audience. The key
//! is kept in the store, so that tokens and cached key sets stay good across restarts.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use aws_lc_rs::{digest, error};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

/// How long a token is good, as Google's are.
const LIFETIME: TimeDelta = TimeDelta::hours(1);
/// A cached token is used while at least this much of its life is left.
const MARGIN: TimeDelta = TimeDelta::minutes(10);
/// How many tokens are cached; beyond it the cache starts anew.
const CACHED: usize = 1_024;

/// Who a token speaks for, and to whom.
type Subject = (String, String);

/// Signs tokens, each once for its subject until it nears its expiry.
pub(super) struct Identity {
    issuer: String,
    key: RsaKeyPair,
    key_id: String,
    tokens: Mutex<HashMap<Subject, Token>>,
}

struct Token {
    text: String,
    expires_at: DateTime<Utc>,
}

impl Identity {
    /// A new RSA-2048 key, as PKCS#8 DER.
    pub(super) fn generate() -> Result<Vec<u8>, error::Unspecified> {
        Ok(RsaKeyPair::generate(KeySize::Rsa2048)?
            .as_der()?
            .as_ref()
            .to_vec())
    }

    /// The identity of that key, which calls itself `issuer` (a base URL).
    pub(super) fn new(pkcs8: &[u8], issuer: String) -> Result<Self, error::KeyRejected> {
        let key = RsaKeyPair::from_pkcs8(pkcs8)?;
        let fingerprint = digest::digest(&digest::SHA256, key.public_key().as_ref());
        let key_id = URL_SAFE_NO_PAD.encode(&fingerprint.as_ref()[..15]);
        Ok(Self {
            issuer,
            key,
            key_id,
            tokens: Mutex::default(),
        })
    }

    /// A token that says the bearer is `email`, meant for `audience`, good for 50 minutes or more.
    pub(super) fn token(
        &self,
        email: &str,
        audience: &str,
        now: DateTime<Utc>,
    ) -> Result<String, error::Unspecified> {
        let subject = (email.to_owned(), audience.to_owned());
        // A panic elsewhere cannot leave a half-written cache: each change is one insert.
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = tokens.get(&subject)
            && token.expires_at - now > MARGIN
        {
            return Ok(token.text.clone());
        }
        if tokens.len() >= CACHED {
            tokens.clear();
        }
        let expires_at = now + LIFETIME;
        let text = self.sign(&subject, now, expires_at)?;
        tokens.insert(
            subject,
            Token {
                text: text.clone(),
                expires_at,
            },
        );
        Ok(text)
    }

    fn sign(
        &self,
        (email, audience): &Subject,
        issued_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<String, error::Unspecified> {
        let header = json!({ "alg": "RS256", "kid": self.key_id, "typ": "JWT" });
        let number = account_number(email);
        let claims = json!({
            "iss": self.issuer,
            "aud": audience,
            "azp": number,
            "sub": number,
            "email": email,
            "email_verified": true,
            "iat": issued_at.timestamp(),
            "exp": expires_at.timestamp(),
        });
        let encode = |part: serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let mut token = format!("{}.{}", encode(header), encode(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            token.as_bytes(),
            &mut signature,
        )?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// The OpenID Connect discovery document.
    pub(super) fn discovery(&self) -> serde_json::Value {
        json!({
            "issuer": self.issuer,
            "jwks_uri": format!("{}/certs", self.issuer),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["aud", "azp", "email", "email_verified", "exp", "iat", "iss", "sub"],
        })
    }

    /// The JSON Web Key Set with the one key.
    pub(super) fn key_set(&self) -> serde_json::Value {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.key.public_key());
        json!({ "keys": [{
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.key_id,
            "n": URL_SAFE_NO_PAD.encode(public.n),
            "e": URL_SAFE_NO_PAD.encode(public.e),
        }] })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// Service accounts have a number beside their e-mail; here it is computed from it.
fn account_number(email: &str) -> String {
    let hash = digest::digest(&digest::SHA256, email.as_bytes());
    let (head, _) = hash
        .as_ref()
        .split_first_chunk::<8>()
        .expect("a SHA-256 hash has 32 bytes");
    format!("1{:020}", u64::from_be_bytes(*head))
}
