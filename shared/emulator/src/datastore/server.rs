//! A running emulator: gRPC and two plain HTTP requests on one port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;

use super::config::Config;
use super::database::Database;
use super::engine::file::OpenError;
use super::service::Service;

/// HTTP/2 windows that a commit of 500 entities fits in.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be used.
    #[error("cannot use the storage")]
    Storage(#[from] OpenError),
    /// A fault of ours, with a panic in the log.
    #[error("opening the storage panicked")]
    Panicked,
}

/// A running emulator. Dropping it stops it without waiting; [`Server::stop`] waits.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
    database: Arc<Database>,
}

impl Server {
    /// Starts a server on `listen`; port 0 takes a free one. It is ready when this returns.
    pub async fn start(config: Config, listen: SocketAddr) -> Result<Self, StartError> {
        let database = tokio::task::spawn_blocking(move || Database::open(config)).await;
        let database = Arc::new(database.map_err(|_| StartError::Panicked)??);
        let refused = |source| StartError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (stop, stopped) = oneshot::channel();
        let serving = serve(database.clone(), listener, stopped);
        #[expect(
            clippy::disallowed_methods,
            reason = "the server tracks the task: `stop` joins it"
        )]
        let serving = tokio::spawn(serving);
        Ok(Self {
            address,
            stop,
            serving,
            database,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets the requests under way finish, stores what is to be stored, and ends.
    pub async fn stop(self) {
        drop(self.stop);
        match self.serving.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error.cause = %error, "the Datastore emulator did not end well"),
            Err(error) => tracing::warn!(error.cause = %error, "the Datastore emulator panicked"),
        }
        self.database.close().await;
    }
}

async fn serve(
    database: Arc<Database>,
    listener: TcpListener,
    stopped: oneshot::Receiver<()>,
) -> Result<(), tonic::transport::Error> {
    let plain = Router::new().route("/", get(async || "Ok")).route(
        "/reset",
        post({
            let database = database.clone();
            async move || match database.reset().await {
                Ok(()) => Ok("Resetting...\n"),
                Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
            }
        }),
    );
    let grpc = Routes::new(Service::new(database)).into_axum_router();
    tonic::transport::Server::builder()
        .accept_http1(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .add_routes(Routes::from(grpc.merge(plain)))
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), async {
            // An error means that the handle was dropped, which is a stop as well.
            let _ = stopped.await;
        })
        .await
}
