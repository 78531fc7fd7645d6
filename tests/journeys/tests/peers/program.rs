//! Others' programs.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A program that prints lines of JSON. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Program {
    /// Starts a script of Node.js's.
    pub(crate) fn node(peers: &Path, script: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new("node");
        command.arg(peers.join("node").join(script));
        Self::start(&mut command, variables)
    }

    /// Starts a script of Python's.
    pub(crate) fn python(peers: &Path, script: &str) -> Self {
        let directory = peers.join("python");
        let mut command = Command::new(directory.join("venv/bin/python"));
        command.arg(directory.join(script));
        Self::start(&mut command, &[])
    }

    fn start(command: &mut Command, variables: &[(&str, &str)]) -> Self {
        let mut child = command
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be run: {error}", command.get_program().display()));
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// Tells it a line.
    pub(crate) fn tell(&mut self, line: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line that it prints in JSON. Others are its own affair.
    pub(crate) async fn said(mut self) -> (Self, Value) {
        let reading = tokio::task::spawn_blocking(move || {
            loop {
                let mut line = String::new();
                assert!(
                    self.output.read_line(&mut line).unwrap() > 0,
                    "it ended without a word"
                );
                if let Ok(value) = serde_json::from_str(&line) {
                    return (self, value);
                }
            }
        });
        reading.await.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
