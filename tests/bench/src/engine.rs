//! Datastores that clients can be measured on, and how each is started.
//!
//! Each is a process of its own on a free port, with its files and its log in a directory that
//! the caller keeps.

use std::fmt;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::Serialize;

use crate::command::noroshi;
use crate::datastore::Datastore;
use crate::process::Server;
use crate::stopwatch::Stopwatch;

/// How long Java may take on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How often a server that starts is asked: the resolution of the times to ready.
const POLL: Duration = Duration::from_millis(5);

/// A server that speaks Datastore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Engine {
    /// Noroshi's, in memory as Google's.
    Memory,
    /// Noroshi's, durable in a file.
    File,
    /// Google's Firestore emulator in Datastore mode.
    Google,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "noroshi, memory",
            Self::File => "noroshi, file",
            Self::Google => "google, memory",
        })
    }
}

/// A server that answers.
pub(crate) struct Running {
    pub(crate) server: Server,
    /// `host:port`.
    pub(crate) address: String,
    pub(crate) datastore: Datastore,
    /// From its start to its first answer.
    pub(crate) ready_after: Duration,
}

impl Running {
    /// Empties it: every project, whole.
    pub(crate) fn reset(&self) -> anyhow::Result<()> {
        let mut connection = TcpStream::connect(&self.address)?;
        let request = format!(
            "POST /reset HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.address
        );
        connection.write_all(request.as_bytes())?;
        // Google's leaves the connection open, whatever it is asked.
        let mut status = String::new();
        BufReader::new(connection).read_line(&mut status)?;
        ensure!(
            status.starts_with("HTTP/1.1 200"),
            "a reset was answered {status}"
        );
        Ok(())
    }
}

impl Engine {
    /// Starts it with its files and log in `directory`, and waits for its first answer.
    pub(crate) async fn start(self, directory: &Path) -> anyhow::Result<Running> {
        let address = free_address()?;
        let command = match self {
            Self::Memory => ours(&address)?,
            Self::File => {
                let mut command = ours(&address)?;
                command.arg("--file").arg(directory.join("datastore.db"));
                command
            }
            Self::Google => google(&address, directory),
        };
        let log = directory.join("log");
        let started = Stopwatch::start();
        let mut server = Server::start(command, &log).map_err(|error| self.explain(error))?;
        loop {
            if let Ok(datastore) = Datastore::connect(&address).await
                && datastore.holds(0).await.is_ok()
            {
                return Ok(Running {
                    server,
                    address,
                    datastore,
                    ready_after: started.elapsed(),
                });
            }
            if server.has_ended()? {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("{self} ended before it answered; it said:\n{said}");
            }
            ensure!(
                started.elapsed() < READY_WITHIN,
                "{self} has not answered within {READY_WITHIN:?}"
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// Adds what to do about it, where something can be done.
    fn explain(self, error: anyhow::Error) -> anyhow::Error {
        let missing = error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == ErrorKind::NotFound);
        if self == Self::Google && missing {
            error.context(
                "the Google Cloud SDK is needed: install google-cloud-cli, its component \
                 cloud-firestore-emulator and Java 17 or later, or leave Google's engine out",
            )
        } else {
            error
        }
    }
}

fn ours(address: &str) -> anyhow::Result<Command> {
    noroshi(&["emulator", "datastore", "--listen", address])
}

fn google(address: &str, directory: &Path) -> Command {
    let mut command = Command::new("gcloud");
    command
        .args([
            "emulators",
            "firestore",
            "start",
            "--database-mode=datastore-mode",
        ])
        .arg(format!("--host-port={address}"))
        .env("CLOUDSDK_CORE_DISABLE_PROMPTS", "1")
        .env("CLOUDSDK_CONFIG", directory.join("gcloud"));
    command
}

/// A loopback address whose port was free a moment ago.
fn free_address() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    Ok(listener.local_addr()?.to_string())
}
