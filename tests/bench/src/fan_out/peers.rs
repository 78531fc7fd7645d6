//! The clients that Noroshi is compared with: their installation, and how each is started.
//!
//! Each is installed with pinned versions into a directory of its own below the workspace's
//! `target`, once; nothing is installed system-wide. Their programs are in `tests/bench/peers`.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Serialize;

use crate::datastore::PROJECT;

/// The peers' programs and what each needs.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");
/// Where they are installed.
const INSTALLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench-peers");

/// Another's way to write entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Peer {
    /// Google's client for Node.js.
    Node,
    /// Google's client for Python.
    Python,
    /// Apache Beam's Datastore writer, on its direct runner.
    Beam,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "Node client",
            Self::Python => "Python client",
            Self::Beam => "Beam writer",
        })
    }
}

impl Peer {
    /// The file that says what is to be installed.
    fn manifest(self) -> &'static str {
        match self {
            Self::Node => "package-lock.json",
            Self::Python | Self::Beam => "requirements.txt",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Python => "python",
            Self::Beam => "beam",
        }
    }

    fn directory(self) -> PathBuf {
        Path::new(INSTALLED).join(self.name())
    }

    /// Installs it, unless what is installed is of the same versions.
    pub(super) fn install(self) -> anyhow::Result<()> {
        let source = Path::new(SOURCES).join(self.name());
        let directory = self.directory();
        let manifest = fs::read(source.join(self.manifest()))?;
        // Written last, so it says that the installation came to its end.
        let done = directory.join("installed");
        let is_installed = fs::read(&done).is_ok_and(|installed| installed == manifest);
        fs::create_dir_all(&directory)?;
        for file in fs::read_dir(source)? {
            let file = file?;
            fs::copy(file.path(), directory.join(file.file_name()))?;
        }
        if is_installed {
            return Ok(());
        }
        noroshi::output::note(format_args!("installing the {self} into {}", directory.display()));
        match self {
            Self::Node => run(
                Command::new("npm")
                    .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                    .current_dir(&directory),
                "Node.js 18 or later with npm",
            )?,
            Self::Python | Self::Beam => {
                let python = "Python 3.10 to 3.13 with its module venv";
                run(
                    Command::new("python3")
                        .args(["-m", "venv", "--clear", "venv"])
                        .current_dir(&directory),
                    python,
                )?;
                run(
                    Command::new(directory.join("venv/bin/pip"))
                        .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
                        .arg(self.manifest())
                        .current_dir(&directory),
                    python,
                )?;
            }
        }
        Ok(fs::write(done, manifest)?)
    }

    /// Its process, which writes the entities of `listing`.
    pub(super) fn command(self, listing: &Path) -> Command {
        let directory = self.directory();
        let (program, script) = match self {
            Self::Node => (PathBuf::from("node"), "write.mjs"),
            Self::Python | Self::Beam => (directory.join("venv/bin/python"), "write.py"),
        };
        let mut command = Command::new(program);
        command.arg(directory.join(script)).arg(PROJECT).arg(listing);
        command
    }
}

/// Runs a step of an installation, whose words go to standard error.
fn run(command: &mut Command, needs: &str) -> anyhow::Result<()> {
    let status = command.stdout(std::io::stderr()).status();
    let status = status.map_err(|error| {
        let missing = error.kind() == ErrorKind::NotFound;
        let error = anyhow::Error::from(error);
        if missing {
            error.context(format!("{needs} is needed: install it, or leave this peer out"))
        } else {
            error
        }
    });
    let status = status.with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(
        status.success(),
        "{} ended with {status}; it needs {needs} and its package registry",
        command.get_program().display()
    );
    Ok(())
}
