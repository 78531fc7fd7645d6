//! `POST /tasks/deliver`: what the queue calls, and the answers that steer it.
//!
//! 200 ends the task, whatever became of the chunk: its timer brings back what is left. 503 is
//! said only when Datastore could not be read or written, because the queue slows down as a
//! whole on it.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use runtime::Service;
use runtime::service::Problem;
use task_queue::{Delivery, TokenError, Verifier};
use tracing::{error, warn};

use crate::deliver::Sender;

/// A delivery's body is two ids and a number.
const MAX_BODY_BYTES: usize = 4 * 1024;

#[derive(Clone, Debug)]
struct Handler {
    sender: Sender,
    verifier: Arc<Verifier>,
}

/// The sender's HTTP service. Only who proves to be the queue is listened to.
pub fn service(sender: Sender, verifier: Arc<Verifier>) -> Service {
    let store = sender.backends().push_store.clone();
    let db = sender.backends().db.clone();
    let handler = Handler { sender, verifier };
    let routes = Router::new()
        .route("/tasks/deliver", post(deliver))
        .with_state(handler);
    Service::new("sender", routes, MAX_BODY_BYTES)
        .ready_when("datastore", move || {
            let store = store.clone();
            async move { store.ping().await }
        })
        .ready_when("database", move || {
            let db = db.clone();
            async move { database::control::state(&db).await.map(drop) }
        })
}

async fn deliver(State(handler): State<Handler>, headers: HeaderMap, body: Bytes) -> Response {
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let now = handler.sender.backends().process.clock.now();
    if let Err(refusal) = handler.verifier.verify(authorization, now).await {
        return refuse(&refusal);
    }
    let delivery = match serde_json::from_slice::<Delivery>(&body) {
        Ok(delivery) => delivery,
        Err(error) => {
            // Repeating it would not make it readable.
            error!(
                error = &error as &dyn std::error::Error,
                "a task that cannot be read was dropped"
            );
            return StatusCode::OK.into_response();
        }
    };
    match handler.sender.deliver(delivery).await {
        Ok(delivered) => {
            fault_points::reach!(BeforeAnswer, StatusCode::SERVICE_UNAVAILABLE.into_response());
            delivered.as_str().into_response()
        }
        Err(error) => {
            warn!(
                campaign.id = %delivery.campaign,
                chunk.no = delivery.chunk_no,
                chunk.generation = delivery.generation,
                error = &error as &dyn std::error::Error,
                "a delivery failed, the queue is to call again"
            );
            ([(RETRY_AFTER, "1")], StatusCode::SERVICE_UNAVAILABLE).into_response()
        }
    }
}

fn refuse(refusal: &TokenError) -> Response {
    warn!(
        error = refusal as &dyn std::error::Error,
        "a call that is not the queue's was refused"
    );
    let (status, name, title) = match refusal {
        TokenError::Missing => (
            StatusCode::UNAUTHORIZED,
            "token-missing",
            "a bearer token is needed",
        ),
        TokenError::Invalid(_) => (
            StatusCode::FORBIDDEN,
            "token-invalid",
            "the token is not the queue's",
        ),
        TokenError::KeysUnreachable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "keys-unreachable",
            "no token can be checked now",
        ),
    };
    Problem::new(status, name, title).into_response()
}
