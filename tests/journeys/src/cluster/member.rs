//! One installation of a cluster, through all its lives.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::servers::Servers;
use crate::processes::Process;
use crate::world::{Client, Settings, TOKEN};

/// How long an installation may take to start, and to drain.
const START: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Member {
    settings: PathBuf,
    log: PathBuf,
    running: Option<(Process, Client)>,
}

impl Member {
    /// One that does not run yet, with its files in a new directory.
    pub(super) fn new(
        directory: PathBuf,
        database_url: &str,
        servers: &Servers,
        more: impl FnOnce(Settings) -> Settings,
    ) -> Self {
        std::fs::create_dir(&directory).expect("the test's own directory can be written");
        let url = directory.join("database-url");
        std::fs::write(&url, database_url).expect("the test's own directory can be written");
        let sender = free_address();
        let settings = servers
            .name_in(Settings::defaults(&directory, TOKEN))
            .set("database.url", format!("file:{}", url.display()))
            .set("queue.handler", format!("http://{sender}/tasks/deliver"))
            .set("sender.listen", sender.to_string());
        Self {
            settings: more(settings).write(&directory),
            log: directory.join("noroshi.log"),
            running: None,
        }
    }

    pub(super) fn running(&self) -> Option<&(Process, Client)> {
        self.running.as_ref()
    }

    pub(super) async fn start(&mut self, mut noroshi: Command) {
        noroshi.arg("--config").arg(&self.settings).arg("up");
        let mut process = Process::start(noroshi, &self.log);
        let address = process.wait_for_line(START, |line| {
            let (_, rest) = line.split_once("The API listens on http://")?;
            rest.split('/').next()?.parse().ok()
        });
        let client = Client::new(address.await, TOKEN);
        self.running = Some((process, client));
    }

    pub(super) fn kill(&mut self) {
        let (process, _) = self.running.take().expect("it runs");
        process.kill();
    }

    pub(super) async fn drain(self) {
        let (process, _) = self.running.expect("it runs");
        let status = process.terminate(START).await;
        assert!(status.success(), "{status}");
    }
}

/// A port that was free a moment ago, for a sender in all its lives: the tasks name it.
fn free_address() -> SocketAddr {
    let bound = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)));
    let address = bound.and_then(|listener| listener.local_addr());
    address.expect("a port of loopback is free")
}
