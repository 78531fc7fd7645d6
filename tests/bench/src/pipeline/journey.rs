//! One run of `noroshi demo`, and what it took.

use std::collections::BTreeMap;
use std::fmt;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::engines::{Engines, Stores};
use crate::command::noroshi;
use crate::process::children_cpu_seconds;

/// Whether a campaign has a coupon, and so SQL writes for every push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Coupon {
    With,
    Without,
}

impl fmt::Display for Coupon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::With => "with coupon",
            Self::Without => "without coupon",
        })
    }
}

/// What one run took.
#[derive(Clone, Debug)]
pub(super) struct Journey {
    /// Items per second of each stage.
    pub(super) stages: BTreeMap<String, f64>,
    /// CPU time of the process per million pushes, from its start to its end.
    pub(super) cpu_seconds_per_million: f64,
    pub(super) peak_rss_bytes: u64,
}

/// What `noroshi demo --json` prints, as far as it is needed here.
#[derive(Debug, Deserialize)]
struct Printed {
    expanded: u64,
    stages: BTreeMap<String, Stage>,
    peak_rss_bytes: u64,
}

#[derive(Debug, Deserialize)]
struct Stage {
    per_second: f64,
}

impl Journey {
    /// Runs one to its end. One whose balance does not hold is an error.
    pub(super) fn run(engines: &Engines, coupon: Coupon, users: u64) -> anyhow::Result<Self> {
        let stores = engines.open()?;
        if stores.want_migration() {
            output(noroshi(&["migrate"])?, &stores)?;
        }
        let mut command = noroshi(&["demo", "--json", "--users", &users.to_string()])?;
        if coupon == Coupon::Without {
            command.arg("--no-coupon");
        }
        let cpu_before = children_cpu_seconds()?;
        let output = output(command, &stores)?;
        let cpu_seconds = children_cpu_seconds()? - cpu_before;
        stores.close()?;
        let printed: Printed =
            serde_json::from_slice(&output.stdout).context("noroshi demo --json printed something else")?;
        let stages = printed.stages.into_iter();
        Ok(Self {
            stages: stages.map(|(name, stage)| (name, stage.per_second)).collect(),
            cpu_seconds_per_million: cpu_seconds / printed.expanded as f64 * 1e6,
            peak_rss_bytes: printed.peak_rss_bytes,
        })
    }
}

/// Runs a command to its end; a failure is an error with what it said.
fn output(mut command: Command, stores: &Stores) -> anyhow::Result<Output> {
    stores.configure(&mut command);
    let output = command.stdin(Stdio::null()).output()?;
    ensure!(
        output.status.success(),
        "noroshi ended with {}; it said:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    );
    Ok(output)
}
