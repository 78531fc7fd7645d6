//! The sink's life: its ledger opened, its port served, drained at its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;

use super::connection::Connection;
use super::gateway::Gateway;
use super::ledger::Appender;
use super::script::ScriptError;
use super::{Config, Counts};
use crate::listener::{BindError, Listener};

/// The most streams a connection may have open: FCM's own limit.
const STREAMS: u32 = 100;

/// Why a sink could not be started. Nothing was left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Choose another address.
    #[error(transparent)]
    Listen(#[from] BindError),
    /// Look at the ledger file: its directory is missing, or it cannot be written.
    #[error("the ledger cannot be opened")]
    Ledger(#[source] io::Error),
    /// Mend the script.
    #[error("the script cannot be played")]
    Script(#[from] ScriptError),
}

/// A running sink. Dropping it leaves it running until the runtime ends; [`Server::stop`] ends
/// it well.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    gateway: Arc<Gateway>,
    writer: JoinHandle<()>,
}

impl Server {
    /// Starts a sink on `listen` (port 0 for any free one). It is reachable when this returns.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub async fn start(config: Config, listen: SocketAddr) -> Result<Self, StartError> {
        config.script.check()?;
        let (listener, socket) = Listener::bind(listen).await?;
        let (ledger, writer) = Appender::open(&config.ledger).map_err(StartError::Ledger)?;
        let drain = config.drain;
        let gateway = Arc::new(Gateway::new(config, ledger));
        let shared = gateway.clone();
        listener.serve(socket, STREAMS, drain, move |ends| {
            let gateway = shared.clone();
            let connection = Arc::new(Connection::new(ends));
            service_fn(move |request: Request<Incoming>| {
                let (gateway, connection) = (gateway.clone(), connection.clone());
                async move { gateway.answer(request, &connection).await }
            })
        });
        Ok(Self {
            listener,
            gateway,
            writer,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// What it has counted since its start.
    pub fn counts(&self) -> Counts {
        self.gateway.counts()
    }

    /// Stops: requests under way have [`Config::drain`] to end. Everything that was answered is
    /// in the ledger when this returns.
    pub async fn stop(self) {
        let Self {
            listener,
            gateway,
            writer,
        } = self;
        listener.stop().await;
        // The last handle to the ledger goes with it, and with that its writer ends.
        drop(gateway);
        let _ = tokio::task::spawn_blocking(move || writer.join()).await;
    }
}
