//! The clients that Noroshi is compared with, and how each is started.

use std::fmt;
use std::path::Path;
use std::process::Command;

use serde::Serialize;

use crate::datastore::PROJECT;
use crate::packages::Packages;

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
    fn packages(self) -> Packages {
        match self {
            Self::Node => Packages::Node("node"),
            Self::Python => Packages::Python("python"),
            Self::Beam => Packages::Python("beam"),
        }
    }

    /// Installs it, unless what is installed is of the same versions.
    pub(super) fn install(self) -> anyhow::Result<()> {
        self.packages().install()
    }

    /// Its process, which writes the entities of `listing`.
    pub(super) fn command(self, listing: &Path) -> Command {
        let script = match self {
            Self::Node => "write.mjs",
            Self::Python | Self::Beam => "write.py",
        };
        let mut command = self.packages().command(script);
        command.arg(PROJECT).arg(listing);
        command
    }
}
