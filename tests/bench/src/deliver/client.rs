//! Those who send, and what it takes them.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use serde::Serialize;

use super::certificate::Certificate;
use super::gateway::{FCM_PATH, Gateway, Running};
use crate::packages::Packages;
use crate::process::children_cpu_seconds;
use crate::sample::{Sample, output};

/// A body of this size is what h2load replays: as large as Noroshi's.
const BODY_BYTES: usize = 620;

const NODE: Packages = Packages::Node("gateway-node");
const PYTHON: Packages = Packages::Python("gateway-python");

/// One that sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Client {
    /// Noroshi's client of FCM.
    #[value(skip)]
    Fcm,
    /// Noroshi's client of push services.
    #[value(skip)]
    WebPush,
    /// nghttp2's load generator.
    #[value(name = "h2load")]
    H2load,
    /// Google's client for Node.js.
    FirebaseAdminNode,
    /// The fastest client for Node.js.
    #[value(name = "fcm-v1-http2")]
    FcmV1Http2,
    /// Google's client for Python.
    FirebaseAdminPython,
    /// The usual client of push services, for Node.js.
    #[value(name = "web-push")]
    WebPushNode,
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fcm => "noroshi, FCM",
            Self::WebPush => "noroshi, Web Push",
            Self::H2load => "h2load",
            Self::FirebaseAdminNode => "firebase-admin, Node",
            Self::FcmV1Http2 => "fcm-v1-http2, Node",
            Self::FirebaseAdminPython => "firebase_admin, Python",
            Self::WebPushNode => "web-push, Node",
        })
    }
}

/// What all clients of a run share.
pub(super) struct Installed {
    pub(super) certificate: Certificate,
    /// Where files of the run are.
    pub(super) directory: PathBuf,
    /// That the fastest send.
    pub(super) messages: u64,
    /// Of Noroshi's to one gateway at most, if not its default.
    pub(super) connections: Option<NonZeroU32>,
}

impl Client {
    /// Installs it, unless it is there.
    pub(super) fn install(self) -> anyhow::Result<()> {
        match self {
            Self::Fcm | Self::WebPush | Self::H2load => Ok(()),
            Self::FirebaseAdminNode | Self::FcmV1Http2 | Self::WebPushNode => NODE.install(),
            Self::FirebaseAdminPython => PYTHON.install(),
        }
    }

    /// Whether it is measured at that gateway: nghttpd knows neither HTTP/1.1 nor Web Push, and a
    /// replay says nothing where the gateway's latency decides.
    pub(super) fn meets(self, gateway: Gateway) -> bool {
        match (self, gateway) {
            (Self::Fcm | Self::FirebaseAdminNode | Self::FcmV1Http2, _) => true,
            (Self::H2load, Gateway::Nghttpd | Gateway::Own { milliseconds: 0 }) => true,
            (Self::WebPush | Self::FirebaseAdminPython | Self::WebPushNode, Gateway::Own { .. }) => true,
            (Self::H2load, Gateway::Own { .. })
            | (Self::WebPush | Self::FirebaseAdminPython | Self::WebPushNode, Gateway::Nghttpd) => false,
        }
    }

    /// How many it sends where the fastest send `most`: what takes it some seconds too.
    pub(super) fn messages(self, most: u64) -> u64 {
        match self {
            Self::H2load => most * 4,
            Self::Fcm => most,
            Self::WebPush => most / 4,
            Self::FirebaseAdminNode | Self::FcmV1Http2 => most / 10,
            Self::WebPushNode => most / 20,
            Self::FirebaseAdminPython => most / 100,
        }
    }

    /// Sends its messages to that gateway.
    pub(super) fn send(self, running: &Running, installed: &Installed) -> anyhow::Result<Sample> {
        let count = self.messages(installed.messages).to_string();
        let trusted = &installed.certificate.certificate;
        let mut command = match self {
            Self::H2load => return h2load(running, installed, &count),
            Self::Fcm | Self::WebPush => {
                let mut command = Command::new(std::env::current_exe()?);
                let gateway = if self == Self::Fcm { "fcm" } else { "web-push" };
                command
                    .args(["deliver-client", gateway, "--trusted"])
                    .arg(trusted);
                if let Some(connections) = installed.connections {
                    command.args(["--connections", &connections.to_string()]);
                }
                command
            }
            Self::FirebaseAdminNode => NODE.command("firebase_admin.mjs"),
            Self::FcmV1Http2 => NODE.command("fcm_v1_http2.mjs"),
            Self::WebPushNode => NODE.command("web_push.mjs"),
            Self::FirebaseAdminPython => PYTHON.command("send.py"),
        };
        command.arg(&running.base).arg(count);
        command.env("NODE_EXTRA_CA_CERTS", trusted);
        command.env("REQUESTS_CA_BUNDLE", trusted);
        Sample::of(command)
    }
}

/// Replays one body, over as many connections as were found best.
fn h2load(running: &Running, installed: &Installed, count: &str) -> anyhow::Result<Sample> {
    let body = installed.directory.join("body");
    std::fs::write(&body, "x".repeat(BODY_BYTES))?;
    let mut command = Command::new("h2load");
    command.args(["--clients", "4", "--max-concurrent-streams", "100"]);
    command.args(["--requests", count, "--data"]).arg(body);
    command.arg(format!("{}{FCM_PATH}", running.base));
    let cpu_before = children_cpu_seconds()?;
    let said = output(command).context("h2load is needed, of Debian's nghttp2-client")?;
    let cpu_seconds = children_cpu_seconds()? - cpu_before;
    let expected = format!("{count} succeeded, 0 failed");
    anyhow::ensure!(said.contains(&expected), "not all succeeded:\n{said}");
    let seconds = said
        .lines()
        .find_map(|line| line.strip_prefix("finished in "))
        .and_then(|line| line.split_once(','))
        .and_then(|(time, _)| seconds(time))
        .with_context(|| format!("it does not say how long it took:\n{said}"))?;
    Ok(Sample {
        seconds,
        cpu_seconds,
        peak_rss_bytes: 0,
    })
}

/// A time as h2load writes it: `1.03s`, `50.13ms`.
fn seconds(time: &str) -> Option<f64> {
    let (digits, unit) = [("ms", 1e-3), ("us", 1e-6), ("s", 1.0)]
        .into_iter()
        .find_map(|(unit, seconds)| Some((time.strip_suffix(unit)?, seconds)))?;
    digits.parse::<f64>().ok().map(|digits| digits * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_their_units() {
        assert_eq!(seconds("1.03s"), Some(1.03));
        assert_eq!(seconds("50ms"), Some(0.05));
        assert_eq!(seconds("7us").map(|time| time < 8e-6), Some(true));
        assert_eq!(seconds("soon"), None);
    }
}
