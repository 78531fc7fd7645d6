//! The gateways that messages are sent to: how each is started, and our own.
//!
//! Our own gateway believes everything and keeps nothing. It takes 100 requests at once on a
//! connection, as FCM does, speaks HTTP/1.1 to those who know no better, and answers after as
//! long as it is told.

use std::convert::Infallible;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Serialize;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use super::client::Installed;
use crate::process::Server;
use crate::stopwatch::Stopwatch;

/// Where messages go in FCM's API.
pub(super) const FCM_PATH: &str = "/v1/projects/demo/messages:send";

/// How long a gateway may take to start.
const READY_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// Requests at once on one connection.
const STREAMS: u32 = 100;

/// A gateway to send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Gateway {
    /// nghttp2's server, with one file that is every answer.
    Nghttpd,
    /// Our own.
    Own {
        /// From a request to its answer.
        milliseconds: u64,
    },
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nghttpd => f.write_str("nghttpd"),
            Self::Own { milliseconds } => write!(f, "gateway of {milliseconds} ms"),
        }
    }
}

/// A gateway that answers.
pub(super) struct Running {
    pub(super) gateway: Gateway,
    /// `https://host:port`.
    pub(super) base: String,
    /// Where it says how many it has answered.
    count: Option<u16>,
    _server: Server,
}

impl Gateway {
    pub(super) fn start(self, installed: &Installed) -> anyhow::Result<Running> {
        let port = free_port()?;
        let files = &installed.certificate;
        let (command, count) = match self {
            Self::Nghttpd => {
                let root = installed.directory.join("www");
                let answer = root.join(&FCM_PATH[1..]);
                std::fs::create_dir_all(answer.parent().context("a path of several parts")?)?;
                std::fs::write(answer, ANSWER)?;
                let mut command = Command::new("nghttpd");
                command.args(["--address", "127.0.0.1", "--workers", "2", "--htdocs"]);
                command.arg(root).arg(port.to_string());
                command.arg(&files.key).arg(&files.certificate);
                (command, None)
            }
            Self::Own { milliseconds } => {
                let count = free_port()?;
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["deliver-gateway", "--milliseconds", &milliseconds.to_string()]);
                command.args(["--port", &port.to_string(), "--count", &count.to_string()]);
                command.arg("--certificate").arg(&files.certificate);
                command.arg("--key").arg(&files.key);
                (command, Some(count))
            }
        };
        let log = installed.directory.join(format!("{self}.log"));
        let server = Server::start(command, &log)
            .context("nghttpd is needed, of Debian's nghttp2-server: install it, or leave h2load out")?;
        wait_for(port, &log)?;
        Ok(Running {
            gateway: self,
            base: format!("https://127.0.0.1:{port}"),
            count,
            _server: server,
        })
    }
}

impl Running {
    /// Messages that it has answered so far, if it counts them.
    pub(super) fn answered(&self) -> anyhow::Result<Option<u64>> {
        let Some(port) = self.count else {
            return Ok(None);
        };
        let mut line = String::new();
        BufReader::new(TcpStream::connect((Ipv4Addr::LOCALHOST, port))?).read_line(&mut line)?;
        Ok(Some(line.trim_end().parse()?))
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn wait_for(port: u16, log: &Path) -> anyhow::Result<()> {
    let started = Stopwatch::start();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        ensure!(
            started.elapsed() < READY_WITHIN,
            "a gateway does not answer; it said:\n{}",
            std::fs::read_to_string(log).unwrap_or_default()
        );
        std::thread::sleep(POLL);
    }
    Ok(())
}

/// What FCM answers where it takes a message.
const ANSWER: &str = "{\"name\":\"projects/demo/messages/0:1\"}";

/// How our own gateway is to be.
#[derive(Debug, clap::Args)]
pub(crate) struct GatewayArguments {
    #[arg(long)]
    milliseconds: u64,
    #[arg(long)]
    port: u16,
    #[arg(long)]
    count: u16,
    #[arg(long)]
    certificate: PathBuf,
    #[arg(long)]
    key: PathBuf,
}

/// Is our own gateway.
pub(super) fn run(arguments: &GatewayArguments) -> anyhow::Result<()> {
    runtime::process::install_crypto();
    tokio::runtime::Runtime::new()?.block_on(serve(arguments))
}

#[expect(clippy::disallowed_methods, reason = "a gateway serves until it is killed")]
async fn serve(arguments: &GatewayArguments) -> anyhow::Result<()> {
    let certificate = CertificateDer::from_pem_file(&arguments.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&arguments.key)?;
    let mut tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let answered = Arc::new(AtomicU64::new(0));
    tokio::spawn(tell(arguments.count, answered.clone()));
    let delay = Duration::from_millis(arguments.milliseconds);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (acceptor, answered) = (acceptor.clone(), answered.clone());
        tokio::spawn(async move {
            // Whoever only knocks, or leaves in the middle, is no concern of a gateway.
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = service_fn(|request| answer(request, delay, answered.clone()));
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder.http2().max_concurrent_streams(STREAMS);
            drop(builder.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    delay: Duration,
    answered: Arc<AtomicU64>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_fcm = request.uri().path() == FCM_PATH;
    let body = request.into_body().collect().await;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let (status, body) = match body {
        Ok(_) if is_fcm => (StatusCode::OK, ANSWER),
        Ok(_) => (StatusCode::CREATED, ""),
        Err(_) => (StatusCode::BAD_REQUEST, ""),
    };
    answered.fetch_add(1, Ordering::Relaxed);
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    Ok(response)
}

/// Tells everybody who connects how many messages were answered.
async fn tell(port: u16, answered: Arc<AtomicU64>) -> anyhow::Result<Infallible> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        let line = format!("{}\n", answered.load(Ordering::Relaxed));
        stream.write_all(line.as_bytes()).await?;
    }
}
