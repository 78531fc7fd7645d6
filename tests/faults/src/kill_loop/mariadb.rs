//! A MariaDB of the loop's own, which is killed and started again on its data.
//!
//! It flushes its log at every commit (`innodb_flush_log_at_trx_commit = 1`), so that what it has
//! acknowledged is there after a SIGKILL. Nobody but the loop knows its port.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use journeys::processes::Process;
use tokio::time::sleep;

use super::ports::free_address;

/// Where Debian keeps servers, which only root's PATH names.
const SERVERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/usr/libexec"];

/// How long it may take to start, after a crash too.
const START: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// The server.
#[derive(Debug)]
pub(super) struct MariaDb {
    program: PathBuf,
    data: PathBuf,
    address: SocketAddr,
    process: Option<Process>,
}

impl MariaDb {
    /// An installed one, if there is any.
    pub(super) fn installed() -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let directories = std::env::split_paths(&path).chain(SERVERS.map(PathBuf::from));
        directories
            .map(|directory| directory.join("mariadbd"))
            .find(|program| program.is_file())
    }

    /// A new one with its data in `directory`.
    pub(super) async fn start(program: &Path, directory: &Path) -> anyhow::Result<Self> {
        let data = directory.join("mariadb");
        initialise(&data)?;
        let mut server = Self {
            program: program.to_owned(),
            data,
            address: free_address()?,
            process: None,
        };
        server.start_again().await?;
        Ok(server)
    }

    /// Where it listens, in all its lives.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it (SIGKILL).
    pub(super) fn kill(&mut self) {
        drop(self.process.take());
    }

    /// Starts it on its data. It takes connections when this returns.
    pub(super) async fn start_again(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.program);
        command
            .arg("--no-defaults")
            .arg(format!("--datadir={}", self.data.display()))
            .arg(format!("--socket={}", self.data.join("socket").display()))
            .arg(format!("--port={}", self.address.port()))
            .args([
                "--bind-address=127.0.0.1",
                "--character-set-server=utf8mb4",
                "--collation-server=utf8mb4_bin",
                "--innodb-flush-log-at-trx-commit=1",
                "--max-connections=500",
            ]);
        if is_root() {
            command.arg("--user=root");
        }
        let process = Process::start(command, self.data.with_extension("log"));
        let process = self.process.insert(process);
        let listens = async {
            while TcpStream::connect(self.address).is_err() {
                anyhow::ensure!(!process.has_ended(), "mariadbd ended, see its log");
                sleep(POLL).await;
            }
            Ok(())
        };
        tokio::time::timeout(START, listens)
            .await
            .context("mariadbd does not listen")?
    }
}

fn initialise(data: &Path) -> anyhow::Result<()> {
    let mut command = Command::new("mariadb-install-db");
    command
        .arg("--no-defaults")
        .arg(format!("--datadir={}", data.display()))
        .args([
            "--auth-root-authentication-method=normal",
            "--force",
            "--skip-test-db",
        ]);
    if is_root() {
        command.arg("--user=root");
    }
    let output = command.output().context("mariadb-install-db")?;
    anyhow::ensure!(
        output.status.success(),
        "mariadb-install-db: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// MariaDB runs as root only where it is told to.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
