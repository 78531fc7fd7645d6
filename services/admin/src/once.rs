//! Requests that are carried out once, however often they are sent.
//!
//! The answer to a request with an `Idempotency-Key` is stored in the transaction of its effect,
//! with a hash of the request. A repeat gets the same answer, with `Idempotent-Replayed: true`;
//! another request under the same key is refused. Of two at once, one has the effect.

use axum::extract::{FromRequestParts, MatchedPath};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use database::idempotency::{self, Answered};
use database::{Db, Executor, Insertion, Tx};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use runtime::Backends;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use crate::answer::Done;
use crate::error::Error;
use crate::json;
use crate::transaction::commit;

const HEADER: &str = "idempotency-key";
const REPLAYED: &str = "idempotent-replayed";

/// The header, for the API's document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "headers are read by hand; this describes them")]
pub(crate) struct KeyHeader {
    /// 1 to 255 visible ASCII characters. A repeat under the same key gets the first answer, and
    /// nothing happens twice; another request under it is 422.
    #[param(rename = "Idempotency-Key")]
    key: Option<String>,
}

/// The same where it is required.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "headers are read by hand; this describes them")]
pub(crate) struct RequiredKeyHeader {
    /// 1 to 255 visible ASCII characters. A repeat under the same key finds what the first has made;
    /// another request under it is 422.
    #[param(rename = "Idempotency-Key")]
    key: String,
}

/// What a request is carried out as, where SQL keeps no answer to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    key_hash: [u8; 32],
    /// SHA-256 of the request.
    pub(crate) request: [u8; 32],
}

impl Identity {
    /// The key in a form of fixed length.
    pub(crate) fn key(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.key_hash)
    }
}

/// A request on its way in: its key, if it has one, and the hash of what came so far.
#[derive(Debug)]
pub(crate) struct Incoming(Option<Keyed<Sha256>>);

/// A request that is to be carried out once.
#[derive(Debug)]
pub(crate) struct Once(Option<Keyed<[u8; 32]>>);

/// A request with a key. `H` is its hash, or what becomes the hash.
#[derive(Debug)]
struct Keyed<H> {
    /// Method and route: a key is one among the requests of a kind.
    scope: String,
    key_hash: [u8; 32],
    request: H,
}

impl FromRequestParts<Backends> for Incoming {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, backends: &Backends) -> Result<Self, Error> {
        let Some(key) = parts.headers.get(HEADER) else {
            return Ok(Self(None));
        };
        let key = key.as_bytes();
        if !(1..=255).contains(&key.len()) || !key.iter().all(u8::is_ascii_graphic) {
            let reason = "must be 1 to 255 visible ASCII characters";
            return Err(Error::invalid("Idempotency-Key", reason));
        }
        let key_hash = Sha256::digest(key).into();
        let route = MatchedPath::from_request_parts(parts, backends)
            .await
            .map_err(|error| Error::Fault(error.to_string()))?;
        Ok(Self(Some(Keyed {
            scope: format!("{} {}", parts.method, route.as_str()),
            key_hash,
            request: Sha256::new()
                .chain_update(parts.method.as_str())
                .chain_update(parts.uri.to_string())
                .chain_update([0]),
        })))
    }
}

impl Incoming {
    /// Takes more of the body.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Some(keyed) = &mut self.0 {
            keyed.request.update(bytes);
        }
    }

    /// Whether something was answered under the key, be it to this request or another.
    pub(crate) async fn is_known(&self, db: &Db) -> Result<bool, Error> {
        match &self.0 {
            Some(keyed) => Ok(idempotency::find(db, &keyed.scope, &keyed.key_hash)
                .await?
                .is_some()),
            None => Ok(false),
        }
    }

    /// The whole request.
    pub(crate) fn received(self) -> Once {
        Once(self.0.map(|keyed| Keyed {
            scope: keyed.scope,
            key_hash: keyed.key_hash,
            request: keyed.request.finalize().into(),
        }))
    }

    /// The whole request, whose body this is.
    pub(crate) fn with_body(mut self, body: &[u8]) -> Once {
        self.update(body);
        self.received()
    }
}

impl Once {
    /// What the request is carried out as. Its key is required.
    pub(crate) fn identity(&self) -> Result<Identity, Error> {
        let keyed = self.0.as_ref();
        let keyed = keyed.ok_or_else(|| Error::invalid("Idempotency-Key", "is required"))?;
        Ok(Identity {
            key_hash: keyed.key_hash,
            request: keyed.request,
        })
    }

    /// Begins the transaction in which the request is carried out and [concluded](Once::conclude).
    /// [`Error::Answered`] if it was before.
    pub(crate) async fn begin(&self, db: &Db) -> Result<Tx, Error> {
        let mut tx = db.begin().await?;
        match self.check_unanswered(&mut tx).await {
            Ok(()) => Ok(tx),
            Err(error) => {
                tx.rollback().await;
                Err(error)
            }
        }
    }

    /// Commits what was done in `tx` together with its answer, and gives it; or rolls back.
    pub(crate) async fn conclude(
        &self,
        backends: &Backends,
        mut tx: Tx,
        outcome: Result<impl Serialize, Error>,
        done: Done,
    ) -> Result<Response, Error> {
        let content = match outcome {
            Ok(content) => content,
            Err(error) => {
                tx.rollback().await;
                return Err(error);
            }
        };
        if self.keep(backends, &mut tx, &content, done).await? == Insertion::Existing {
            // The same request came twice at once, and the other one was faster.
            tx.rollback().await;
            self.check_unanswered(&backends.db).await?;
            return Err(Error::Fault("a key that is taken has no answer".to_owned()));
        }
        commit(tx).await?;
        Ok(done.with(content))
    }

    /// [`Error::Answered`] if the request was answered, [`Error::KeyReused`] if another was under
    /// its key.
    async fn check_unanswered(&self, on: impl Executor) -> Result<(), Error> {
        let Some(keyed) = &self.0 else { return Ok(()) };
        match idempotency::find(on, &keyed.scope, &keyed.key_hash).await? {
            None => Ok(()),
            Some(answered) if answered.request_hash == keyed.request => Err(Error::Answered(answered)),
            Some(_) => Err(Error::KeyReused),
        }
    }

    /// Keeps the answer under the key. Without a key there is nothing to keep.
    async fn keep(
        &self,
        backends: &Backends,
        tx: &mut Tx,
        content: &impl Serialize,
        done: Done,
    ) -> Result<Insertion, Error> {
        let Some(keyed) = &self.0 else {
            return Ok(Insertion::New);
        };
        let answered = Answered {
            request_hash: keyed.request,
            status: done.status().as_u16(),
            response: json::write(content)?,
        };
        let now = backends.process.clock.now();
        Ok(idempotency::insert(tx, &keyed.scope, &keyed.key_hash, &answered, now).await?)
    }
}

/// The answer as it was given.
pub(crate) fn replay(answered: Answered) -> Result<Response, Error> {
    let status = StatusCode::from_u16(answered.status)
        .map_err(|_| Error::Fault(format!("a stored answer has the status {}", answered.status)))?;
    let headers = [(CONTENT_TYPE.as_str(), "application/json"), (REPLAYED, "true")];
    Ok((status, headers, answered.response).into_response())
}
