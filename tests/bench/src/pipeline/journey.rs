//! One run of `noroshi demo`, and what it took.

use std::fmt;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, ensure};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

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
    /// Items per second of each stage, in their order.
    pub(super) stages: Vec<(String, f64)>,
    /// CPU time of the process per million pushes, from its start to its end.
    pub(super) cpu_seconds_per_million: f64,
    pub(super) peak_rss_bytes: u64,
}

/// What `noroshi demo --json` prints, as far as it is needed here.
#[derive(Debug, Deserialize)]
struct Printed {
    expanded: u64,
    #[serde(deserialize_with = "in_order")]
    stages: Vec<(String, Stage)>,
    peak_rss_bytes: u64,
}

#[derive(Debug, Deserialize)]
struct Stage {
    per_second: f64,
}

/// The members of an object as they follow each other, which is the order of the journey.
fn in_order<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Stage)>, D::Error> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, Stage)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("stages by name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }

    deserializer.deserialize_map(Members)
}

impl Journey {
    /// Runs one to its end. One whose balance does not hold is an error.
    pub(super) fn run(engines: &Engines, coupon: Coupon, users: u64) -> anyhow::Result<Self> {
        let stores = engines.open()?;
        let journey = Self::on(&stores, coupon, users);
        // Also after a failure, of which is told first.
        let closed = stores.close();
        let journey = journey?;
        closed?;
        Ok(journey)
    }

    fn on(stores: &Stores, coupon: Coupon, users: u64) -> anyhow::Result<Self> {
        if stores.want_migration() {
            output(noroshi(&["migrate"])?, stores)?;
        }
        let mut command = noroshi(&["demo", "--json", "--users", &users.to_string()])?;
        if coupon == Coupon::Without {
            command.arg("--no-coupon");
        }
        let cpu_before = children_cpu_seconds()?;
        let output = output(command, stores)?;
        let cpu_seconds = children_cpu_seconds()? - cpu_before;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_keep_the_order_in_which_they_are_printed() {
        let printed: Printed = serde_json::from_str(
            r#"{"audience":2,"expanded":2,"stages":{"import":{"seconds":1.0,"per_second":2.0},
            "deliver":{"seconds":2.0,"per_second":1.0}},"peak_rss_bytes":1024}"#,
        )
        .unwrap();

        let names: Vec<_> = printed.stages.iter().map(|(name, _)| name.as_str()).collect();

        assert_eq!(names, ["import", "deliver"]);
        assert_eq!(printed.stages[1].1.per_second, 1.0);
    }
}
