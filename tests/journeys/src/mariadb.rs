//! A MariaDB of one's own, which may be killed and started again on its data, and copied by another.
//!
//! It flushes its log at every commit (`innodb_flush_log_at_trx_commit = 1`), so that what it has
//! acknowledged is there after a SIGKILL. Nobody else knows its port.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use tokio::time::sleep;

use crate::ports::free_address;
use crate::processes::Process;

/// Where Debian keeps servers, which only root's PATH names.
const SERVERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/usr/libexec"];

/// How long it may take to start, after a crash too.
const START: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// What a server needs that another one copies; the number is its own.
fn logging(server: u32) -> [String; 2] {
    [format!("--server-id={server}"), "--log-bin".to_owned()]
}

/// The server.
#[derive(Debug)]
pub struct MariaDb {
    program: PathBuf,
    data: PathBuf,
    options: Vec<String>,
    address: SocketAddr,
    process: Option<Process>,
}

impl MariaDb {
    /// An installed one, if there is any.
    pub fn installed() -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let directories = std::env::split_paths(&path).chain(SERVERS.map(PathBuf::from));
        directories
            .map(|directory| directory.join("mariadbd"))
            .find(|program| program.is_file())
    }

    /// A new one with its data in the directory `data`, which is made, and options beside the usual.
    pub async fn start(program: &Path, data: &Path, options: &[String]) -> anyhow::Result<Self> {
        initialise(data)?;
        let mut server = Self {
            program: program.to_owned(),
            data: data.to_owned(),
            options: options.to_vec(),
            address: free_address()?,
            process: None,
        };
        server.start_again().await?;
        Ok(server)
    }

    /// A primary and a replica that copies all of it, with their data in `directory`.
    pub async fn start_replicated(program: &Path, directory: &Path) -> anyhow::Result<(Self, Self)> {
        let primary = Self::start(program, &directory.join("primary"), &logging(1)).await?;
        let replica = Self::start(program, &directory.join("replica"), &logging(2)).await?;
        replica.run(&format!(
            "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {}, MASTER_USER = 'root', \
             MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1; START SLAVE",
            primary.address().port()
        ))?;
        Ok((primary, replica))
    }

    /// Runs statements of an administrator, by the server's own client.
    pub fn run(&self, statements: &str) -> anyhow::Result<()> {
        let output = self.client().args(["--execute", statements]).output()?;
        anyhow::ensure!(
            output.status.success(),
            "{statements}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// The server's own client, which takes statements as the administrator's.
    pub fn client(&self) -> Command {
        let mut command = Command::new("mariadb");
        command
            .args(["--no-defaults", "--host=127.0.0.1", "--user=root"])
            .arg(format!("--port={}", self.address.port()));
        command
    }

    /// Its process, while it runs.
    pub fn process(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }

    /// Where it listens, in all its lives.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it (SIGKILL).
    pub fn kill(&mut self) {
        drop(self.process.take());
    }

    /// Starts it on its data. It takes connections when this returns.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
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
            ])
            .args(&self.options);
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
