//! The server's life: its storage opened, its port served, drained at its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::config::Config;
use super::database::Database;
use super::engine::file::OpenError;
use super::wire::Wire;
use crate::listener::{BindError, Listener};

/// The most calls that one connection may have open.
const STREAMS: u32 = 1_000;
/// How long a stop waits for the calls under way.
const DRAIN: Duration = Duration::from_secs(5);

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Choose another address.
    #[error(transparent)]
    Listen(#[from] BindError),
    /// The file cannot be used.
    #[error("cannot use the storage")]
    Storage(#[from] OpenError),
    /// A fault of ours, with a panic in the log.
    #[error("opening the storage panicked")]
    Panicked,
}

/// A running emulator. Dropping it leaves it running until the runtime ends; [`Server::stop`]
/// ends it well.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    database: Arc<Database>,
}

impl Server {
    /// Starts a server on `listen`; port 0 takes a free one. It is reachable when this returns.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub async fn start(config: Config, listen: SocketAddr) -> Result<Self, StartError> {
        let database = tokio::task::spawn_blocking(move || Database::open(config)).await;
        let database = Arc::new(database.map_err(|_| StartError::Panicked)??);
        let (listener, socket) = Listener::bind(listen).await?;
        let wire = Wire {
            database: database.clone(),
        };
        listener.serve(socket, STREAMS, DRAIN, move |_| wire.clone());
        Ok(Self { listener, database })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Stops: calls under way have five seconds to end, then what is to be stored is stored.
    pub async fn stop(self) {
        self.listener.stop().await;
        self.database.close().await;
    }
}
