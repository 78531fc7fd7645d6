//! Other people's programs: their installation below the workspace's `target`.
//!
//! Each is installed with pinned versions into a directory of its own, once; nothing is installed
//! system-wide. What is started is in `tests/bench/peers`, beside what it needs.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// The peers' programs and what each needs.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");
/// Where they are installed.
const INSTALLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench-peers");

/// Packages of one registry that are installed together, by the name of their folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packages {
    /// By npm.
    Node(&'static str),
    /// By pip.
    Python(&'static str),
}

impl Packages {
    fn name(self) -> &'static str {
        let (Self::Node(name) | Self::Python(name)) = self;
        name
    }

    /// The file that says what is to be installed.
    fn manifest(self) -> &'static str {
        match self {
            Self::Node(_) => "package-lock.json",
            Self::Python(_) => "requirements.txt",
        }
    }

    fn directory(self) -> PathBuf {
        Path::new(INSTALLED).join(self.name())
    }

    /// Installs them, unless what is installed is of the same versions.
    pub(crate) fn install(self) -> anyhow::Result<()> {
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
        noroshi::output::note(format_args!("installing into {}", directory.display()));
        match self {
            Self::Node(_) => run(
                Command::new("npm")
                    .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                    .current_dir(&directory),
                "Node.js 18 or later with npm",
            )?,
            Self::Python(_) => {
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

    /// One of their programs, to be started.
    pub(crate) fn command(self, script: &str) -> Command {
        let directory = self.directory();
        let program = match self {
            Self::Node(_) => PathBuf::from("node"),
            Self::Python(_) => directory.join("venv/bin/python"),
        };
        let mut command = Command::new(program);
        command.arg(directory.join(script));
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
