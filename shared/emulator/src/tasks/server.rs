//! The server's life: brought up from its store, drained at its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::api::Api;
use super::identity::Identity;
use super::queue::{Environment, Queues};
use super::store::{self, Store};
use super::wire::Wire;
use super::{Config, attempt};
use crate::listener::{BindError, Listener};

/// The most calls that one connection may have open.
const STREAMS: u32 = 1_000;

/// Why a server could not be started. Nothing was left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Choose another address.
    #[error(transparent)]
    Listen(#[from] BindError),
    /// Look at the storage file: it is missing its directory, damaged, or held by another process.
    #[error("the task store cannot be opened: {0}")]
    Storage(String),
    /// The signing key could not be made or read.
    #[error("the signing key cannot be used: {0}")]
    Key(String),
    /// The client for dispatches could not be built.
    #[error("the HTTP client cannot be built")]
    Client(#[source] reqwest::Error),
}

/// A running task queue. Dropping it leaves it running until the runtime ends; [`Server::stop`]
/// ends it well.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    environment: Environment,
    writer: JoinHandle<()>,
}

impl Server {
    /// Starts a server on `listen` (port 0 for any free one), with the queues and tasks of its
    /// store. It is reachable when this returns.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub async fn start(config: Config, listen: SocketAddr) -> Result<Self, StartError> {
        let (listener, socket) = Listener::bind(listen).await?;
        let (store, writer) = Store::open(&config.storage).map_err(storage)?;
        let issuer = config
            .issuer
            .clone()
            .unwrap_or_else(|| format!("http://{}", listener.address()));
        let identity = Arc::new(identity(&store, issuer).await?);
        let environment = Environment {
            store,
            config: Arc::new(config),
            client: attempt::client().map_err(StartError::Client)?,
            identity: identity.clone(),
            calls: TaskTracker::new(),
            dispatchers: TaskTracker::new(),
            attempts: TaskTracker::new(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
        };
        let queues = Queues::open(environment.clone()).await.map_err(storage)?;
        let api = Arc::new(Api::new(environment.clone(), queues));
        let wire = Wire {
            api,
            identity,
            calls: environment.calls.clone(),
        };
        listener.serve(socket, STREAMS, environment.config.drain, move |_| wire.clone());
        Ok(Self {
            listener,
            environment,
            writer,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Stops: no new calls and dispatches; those under way have [`Config::drain`] to end. What
    /// has not ended by then is dispatched again after the next start.
    pub async fn stop(self) {
        let Self {
            listener,
            environment,
            writer,
        } = self;
        environment.stop.cancel();
        environment.calls.close();
        environment.dispatchers.close();
        environment.attempts.close();
        let drained = tokio::time::timeout(environment.config.drain, environment.dispatchers.wait());
        let (drained, ()) = tokio::join!(drained, listener.stop());
        if drained.is_err() {
            environment.abort.cancel();
        }
        environment.calls.wait().await;
        environment.dispatchers.wait().await;
        environment.attempts.wait().await;
        // The last handle to the store goes with it, and with that its writer ends.
        drop(environment);
        let _ = tokio::task::spawn_blocking(move || writer.join()).await;
    }
}

/// The identity of the stored key, which is made at the first start.
async fn identity(store: &Store, issuer: String) -> Result<Identity, StartError> {
    let key = match store.run(store::find_signing_key).await.map_err(storage)? {
        Some(key) => key,
        None => {
            let made = tokio::task::spawn_blocking(Identity::generate).await;
            let fresh = made.map_err(unusable)?.map_err(unusable)?;
            let stored = fresh.clone();
            store
                .run(move |connection| store::insert_signing_key(connection, &stored))
                .await
                .map_err(storage)?;
            fresh
        }
    };
    Identity::new(&key, issuer).map_err(unusable)
}

fn storage(error: impl std::fmt::Display) -> StartError {
    StartError::Storage(error.to_string())
}

fn unusable(error: impl std::fmt::Display) -> StartError {
    StartError::Key(error.to_string())
}
