//! Requests that are carried out once, however often they are sent.
//!
//! The answer to a request with an `Idempotency-Key` is stored in the transaction of its effect,
//! with a hash of the request. A repeat gets the same answer, with `Idempotent-Replayed: true`;
//! another request under the same key is refused. Of two at once, one has the effect.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use database::idempotency::{self, Answered};
use database::{Db, Insertion, Tx};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use runtime::Backends;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use crate::answer::Done;
use crate::error::Error;
use crate::transaction::commit;

/// The header with the key.
pub(crate) const HEADER: &str = "idempotency-key";
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

/// A request on its way in: its key, if it has one, and the hash of what came so far.
#[derive(Debug)]
pub(crate) struct Incoming(Option<([u8; 32], Sha256)>);

impl FromRequestParts<Backends> for Incoming {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Backends) -> Result<Self, Error> {
        let Some(key) = parts.headers.get(HEADER) else {
            return Ok(Self(None));
        };
        let is_plain = |key: &&[u8]| (1..=255).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
        let key = Some(key.as_bytes())
            .filter(is_plain)
            .ok_or_else(|| Error::invalid("Idempotency-Key", "must be 1 to 255 visible ASCII characters"))?;
        let request = Sha256::new()
            .chain_update(parts.method.as_str())
            .chain_update(parts.uri.to_string())
            .chain_update([0]);
        Ok(Self(Some((Sha256::digest(key).into(), request))))
    }
}

impl Incoming {
    /// Takes more of the body.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Some((_, request)) = &mut self.0 {
            request.update(bytes);
        }
    }

    /// Whether something was answered under the key, be it to this request or another.
    pub(crate) async fn is_known(&self, db: &Db, scope: &'static str) -> Result<bool, Error> {
        match &self.0 {
            Some((key_hash, _)) => Ok(idempotency::find(db, scope, key_hash).await?.is_some()),
            None => Ok(false),
        }
    }

    /// The whole request. `scope` names the route, at most 64 characters.
    pub(crate) fn received(self, scope: &'static str) -> Once {
        Once(self.0.map(|(key_hash, request)| Keyed {
            scope,
            key_hash,
            request_hash: request.finalize().into(),
        }))
    }

    /// The whole request, whose body this is.
    pub(crate) fn with_body(mut self, scope: &'static str, body: &[u8]) -> Once {
        self.update(body);
        self.received(scope)
    }
}

/// A request that is to be carried out once.
#[derive(Debug)]
pub(crate) struct Once(Option<Keyed>);

#[derive(Debug)]
struct Keyed {
    scope: &'static str,
    key_hash: [u8; 32],
    request_hash: [u8; 32],
}

/// How a request begins.
pub(crate) enum Begun {
    /// It is new: carry it out in this transaction, and [`Once::conclude`] it.
    New(Tx),
    /// It was carried out before, with this answer.
    Answered(Response),
}

impl Once {
    /// Begins the transaction, unless the request was answered before.
    pub(crate) async fn begin(&self, db: &Db) -> Result<Begun, Error> {
        let mut tx = db.begin().await?;
        let answered = match &self.0 {
            Some(keyed) => keyed.find(&mut tx).await?,
            None => None,
        };
        match answered {
            None => Ok(Begun::New(tx)),
            Some(answer) => {
                tx.rollback().await;
                answer.map(Begun::Answered)
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
        if let Some(keyed) = &self.0
            && keyed.keep(backends, &mut tx, &content, done).await? == Insertion::Existing
        {
            // The same request came twice at once, and the other one was faster.
            tx.rollback().await;
            let answered = keyed.find(&backends.db).await?;
            return answered
                .unwrap_or_else(|| Err(Error::Fault("a key that is taken has no answer".to_owned())));
        }
        commit(tx).await?;
        Ok(done.with(content))
    }
}

impl Keyed {
    /// What was answered under the key, if anything was.
    async fn find(&self, on: impl database::Executor) -> Result<Option<Result<Response, Error>>, Error> {
        let answered = idempotency::find(on, self.scope, &self.key_hash).await?;
        Ok(answered.map(|answered| {
            if answered.request_hash == self.request_hash {
                replay(answered)
            } else {
                Err(Error::KeyReused)
            }
        }))
    }

    async fn keep(
        &self,
        backends: &Backends,
        tx: &mut Tx,
        content: &impl Serialize,
        done: Done,
    ) -> Result<Insertion, Error> {
        let answered = Answered {
            request_hash: self.request_hash,
            status: done.status().as_u16(),
            response: serde_json::to_string(content).map_err(|error| Error::Fault(error.to_string()))?,
        };
        let now = backends.process.clock.now();
        Ok(idempotency::insert(tx, self.scope, &self.key_hash, &answered, now).await?)
    }
}

fn replay(answered: Answered) -> Result<Response, Error> {
    let status = StatusCode::from_u16(answered.status)
        .map_err(|_| Error::Fault(format!("a stored answer has the status {}", answered.status)))?;
    let headers = [
        (
            CONTENT_TYPE.as_str(),
            HeaderValue::from_static("application/json"),
        ),
        (REPLAYED, HeaderValue::from_static("true")),
    ];
    Ok((status, headers, answered.response).into_response())
}
