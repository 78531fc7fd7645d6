//! A sink for others' clients.

use std::net::{Ipv4Addr, SocketAddr};

use emulator::sink::ledger::{Entry, Reader};
use emulator::sink::{Config, Script, Server};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A sink that tells no other clock than the system's.
#[derive(Debug)]
pub(crate) struct Sink {
    server: Server,
    directory: TempDir,
}

impl Sink {
    pub(crate) async fn start(answers: Value, change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::new(directory.path().join("ledger"));
        config.script = serde_json::from_value::<Script>(json!({ "answers": answers })).unwrap();
        change(&mut config);
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            server: Server::start(config, any_port).await.unwrap(),
            directory,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    pub(crate) fn ledger(&self) -> Vec<Entry> {
        let path = self.directory.path().join("ledger");
        Reader::open(path).unwrap().map(Result::unwrap).collect()
    }
}
