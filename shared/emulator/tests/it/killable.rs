//! A server as a process of its own, so that it can be killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server at work on a file, by the example `serve`; killed at the latest when it is dropped.
pub(crate) struct Killable {
    child: Child,
    address: String,
}

impl Killable {
    pub(crate) fn start(part: &str, file: &Path) -> Self {
        // Tests lie in `deps`, beside `examples`.
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        let mut child = Command::new(profile.join("examples/serve"))
            .arg(part)
            .arg(file)
            .stdout(Stdio::piped())
            .spawn()
            .expect(
                "`cargo test` builds the examples; with `--test it` they are built before by `--examples`",
            );
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        Self {
            child,
            address: address.trim().to_owned(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// SIGKILL: no drain, no flush.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until it holds, for a minute at most.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait)
        .await
        .unwrap_or_else(|_| panic!("in vain: {what}"));
}
