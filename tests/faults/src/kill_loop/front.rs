//! The installation as its users have it: an API that some process answers.
//!
//! A request that has no answer, or one that says that a store is down, is made again at the next
//! process, as a good client of the API does; what may not happen twice under the same
//! idempotency key.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::bail;
use journeys::world::{Answer, Client, TOKEN};
use reqwest::Method;
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};

/// Between two requests, and between two looks.
const POLL: Duration = Duration::from_millis(100);

/// A frozen process takes a request and does not answer.
const ANSWER: Duration = Duration::from_secs(10);

/// The APIs of all processes.
#[derive(Debug)]
pub(super) struct Front {
    apis: Vec<Client>,
    turn: Cell<usize>,
}

impl Front {
    /// Of processes whose APIs are there, when they are up.
    pub(super) fn new(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        let apis = addresses.into_iter().map(|address| Client::new(address, TOKEN));
        Self {
            apis: apis.collect(),
            turn: Cell::new(0),
        }
    }

    /// The answer of whoever answers first.
    pub(super) async fn ask(&self, ask: impl AsyncFn(&Client) -> Option<Answer>) -> Answer {
        loop {
            let turn = self.turn.get();
            self.turn.set(turn.wrapping_add(1));
            let asked = timeout(ANSWER, ask(&self.apis[turn % self.apis.len()]));
            if let Ok(Some(answer)) = asked.await
                && !answer.status.is_server_error()
            {
                return answer;
            }
            sleep(POLL).await;
        }
    }

    /// What is at `path`.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        read(
            path,
            self.ask(async |api| api.ask(Method::GET, path, None).await).await,
        )
    }

    /// Asks again and again until there is an answer.
    pub(super) async fn until<T>(
        &self,
        every: Duration,
        mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            sleep(every).await;
        }
    }
}

/// The body of an answer that is a success.
pub(super) fn read<T: DeserializeOwned>(what: &str, answer: Answer) -> anyhow::Result<T> {
    if !answer.status.is_success() {
        bail!("{what}: {} {}", answer.status, answer.body);
    }
    Ok(serde_json::from_value::<T>(answer.body)?)
}
