//! Whether a request to the handler really comes from the queue.
//!
//! The queue signs an OpenID Connect token in the name of a service account. A [`Verifier`]
//! checks signature (RS256 by the issuer's published keys), issuer, audience, the account's
//! address and the times. Headers are never believed.

use std::sync::RwLock;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use tokio::sync::Mutex;

/// Clocks of the queue's and the handler's hosts may differ by this much.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// A token with an unknown key makes the keys be fetched again, at most this often: a caller
/// who invents key ids must not turn the handler into a load on the issuer.
const REFETCH_AT_MOST_EVERY: TimeDelta = TimeDelta::seconds(10);

/// What a genuine token says.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The issuer: `https://accounts.google.com`, or an emulator's base URL.
    pub issuer: String,
    /// Where the issuer publishes its keys (JWKS).
    pub keys_url: String,
    /// The audience that the queue was told to name.
    pub audience: String,
    /// The service account's address.
    pub service_account: String,
}

/// Why a token is not believed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There is no bearer token.
    #[error("the request carries no bearer token")]
    Missing,
    /// The token is not what the queue would have sent.
    #[error("the token is not valid: {0}")]
    Invalid(&'static str),
    /// The issuer's keys cannot be had, so nobody can be believed for now.
    #[error("the token issuer's keys cannot be fetched")]
    KeysUnreachable(#[source] reqwest::Error),
}

/// Checks tokens against the issuer's keys, which it fetches when it first needs them.
#[derive(Debug)]
pub struct Verifier {
    expected: Expected,
    http: reqwest::Client,
    keys: RwLock<JwkSet>,
    /// When the keys were fetched. Its lock makes one fetch at a time, which those whose key is
    /// known do not wait for.
    fetched_at: Mutex<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Claims {
    exp: i64,
    iat: i64,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
}

impl Verifier {
    /// A verifier that believes what is `expected` and nothing else.
    pub fn new(expected: Expected) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .build()?;
        Ok(Self {
            expected,
            http,
            keys: RwLock::new(JwkSet { keys: Vec::new() }),
            fetched_at: Mutex::new(DateTime::UNIX_EPOCH),
        })
    }

    /// Believes the value of an `Authorization` header, or says why not.
    pub async fn verify(&self, authorization: Option<&str>, now: DateTime<Utc>) -> Result<(), TokenError> {
        let token = authorization
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or(TokenError::Missing)?;
        let header = decode_header(token).map_err(|_| TokenError::Invalid("not a signed token"))?;
        let key_id = header.kid.ok_or(TokenError::Invalid("it names no key"))?;
        let key = self.key(&key_id, now).await?;
        let claims = self.claims(token, &key)?;
        self.check(&claims, now)
    }

    async fn key(&self, id: &str, now: DateTime<Utc>) -> Result<DecodingKey, TokenError> {
        if let Some(key) = self.known_key(id)? {
            return Ok(key);
        }
        let mut fetched_at = self.fetched_at.lock().await;
        if now - *fetched_at >= REFETCH_AT_MOST_EVERY {
            let keys = self.fetch_keys().await.map_err(TokenError::KeysUnreachable)?;
            *self.keys.write().expect("no holder of this lock panics") = keys;
            *fetched_at = now;
        }
        self.known_key(id)?
            .ok_or(TokenError::Invalid("its key is not one of the issuer's"))
    }

    fn known_key(&self, id: &str) -> Result<Option<DecodingKey>, TokenError> {
        let keys = self.keys.read().expect("no holder of this lock panics");
        let key = keys.find(id).map(DecodingKey::from_jwk).transpose();
        key.map_err(|_| TokenError::Invalid("its key cannot be used"))
    }

    async fn fetch_keys(&self) -> reqwest::Result<JwkSet> {
        let answer = self.http.get(&self.expected.keys_url).send().await?;
        answer.error_for_status()?.json().await
    }

    fn claims(&self, token: &str, key: &DecodingKey) -> Result<Claims, TokenError> {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[&self.expected.audience]);
        validation.set_issuer(&[&self.expected.issuer]);
        // The times are checked against the caller's clock instead.
        validation.validate_exp = false;
        match decode::<Claims>(token, key, &validation) {
            Ok(data) => Ok(data.claims),
            Err(_) => Err(TokenError::Invalid(
                "its signature, issuer or audience is another",
            )),
        }
    }

    fn check(&self, claims: &Claims, now: DateTime<Utc>) -> Result<(), TokenError> {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH);
        if at(claims.exp) + LEEWAY < now {
            return Err(TokenError::Invalid("it has expired"));
        }
        if at(claims.iat) - LEEWAY > now {
            return Err(TokenError::Invalid("it was issued in the future"));
        }
        if claims.email.as_deref() != Some(&self.expected.service_account) || !claims.email_verified {
            return Err(TokenError::Invalid("it names another service account"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A verifier that knows one key, and whose issuer takes connections and never answers.
    async fn verifier_of_a_silent_issuer() -> (Verifier, TcpListener) {
        let issuer = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", issuer.local_addr().unwrap());
        let verifier = Verifier::new(Expected {
            keys_url: format!("{base}/certs"),
            issuer: base,
            audience: "the sender".to_owned(),
            service_account: "queue@noroshi.invalid".to_owned(),
        });
        let verifier = verifier.unwrap();
        let known = r#"{"keys":[{"kty":"RSA","kid":"known","n":"AQAB","e":"AQAB"}]}"#;
        *verifier.keys.write().unwrap() = serde_json::from_str(known).unwrap();
        (verifier, issuer)
    }

    #[tokio::test]
    async fn who_has_a_known_key_does_not_wait_while_keys_are_fetched() {
        let (verifier, issuer) = verifier_of_a_silent_issuer().await;
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);

        let invented = verifier.key("invented", now);
        let known = async {
            let _asked = issuer.accept().await.unwrap();
            verifier.key("known", now).await
        };

        tokio::select! {
            _ = invented => panic!("the issuer does not answer"),
            key = known => assert!(key.is_ok()),
        }
    }
}
