//! The `noroshi` command, on a world's API.

use std::path::PathBuf;
use std::process::{Command, Output};

use journeys::binaries::binary;
use journeys::world::{TOKEN, World};
use serde_json::Value;
use tempfile::TempDir;

/// One of its subcommands.
pub(crate) struct Shell {
    program: PathBuf,
    subcommand: &'static str,
    api: String,
    directory: TempDir,
}

impl Shell {
    pub(crate) fn of(world: &World, subcommand: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("token"), TOKEN).unwrap();
        Self {
            program: binary("noroshi"),
            subcommand,
            api: world.api().url().to_owned(),
            directory,
        }
    }

    /// The same on the API at that URL.
    pub(crate) fn at(self, url: String) -> Self {
        Self { api: url, ..self }
    }

    /// Where a file of that name is that it reads or has written.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        command
            .arg(self.subcommand)
            .args(arguments)
            .args(["--api", &self.api, "--token-file", "token"])
            .current_dir(self.directory.path())
            .env_clear();
        // The wire to the SQL server, and connections on their way back to their pool, are tasks
        // of the test's own thread.
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        output.unwrap().unwrap()
    }

    /// Standard output of what must end well.
    pub(crate) async fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        stdout(&output)
    }

    /// The one document of what must end well.
    pub(crate) async fn json(&self, arguments: &[&str]) -> Value {
        let document = self.done(&[arguments, &["--json"]].concat()).await;
        serde_json::from_str(&document).unwrap()
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}
