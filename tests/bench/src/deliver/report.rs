//! What the comparison found, for people and for programs.

use std::fmt;

use noroshi::table::{Table, bytes, count};
use serde::Serialize;

use super::Arguments;
use super::client::{Client, Installed};
use super::gateway::Gateway;
use crate::figures::{Spread, hundredths, show, whole};
use crate::sample::Sample;

/// A client at a gateway during the comparison.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) client: Client,
    pub(super) gateway: Gateway,
    /// The gateway's number.
    pub(super) at: usize,
    pub(super) samples: Vec<Sample>,
}

impl Standing {
    pub(super) fn new(client: Client, gateway: Gateway, at: usize) -> Self {
        Self {
            client,
            gateway,
            at,
            samples: Vec::new(),
        }
    }

    /// Messages a second in each round.
    fn rates(&self, installed: &Installed) -> Vec<f64> {
        let messages = self.client.messages(installed.messages) as f64;
        self.samples
            .iter()
            .map(|sample| messages / sample.seconds)
            .collect()
    }
}

/// The whole outcome; its serialised form is what `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    messages: u64,
    rounds: u64,
    /// The machine's, before and after.
    load: [f64; 2],
    clients: Vec<Figures>,
    /// Noroshi's rate against the others', in the same rounds.
    ratios: Vec<Ratio>,
}

#[derive(Debug, Serialize)]
struct Figures {
    client: Client,
    gateway: Gateway,
    messages_per_second: Option<Spread>,
    cpu_microseconds_per_message: Option<Spread>,
    peak_rss_bytes: Option<Spread>,
}

/// How one client's rate compares with another's.
#[derive(Debug, Serialize)]
struct Ratio {
    client: Client,
    gateway: Gateway,
    than: Client,
    than_at: Gateway,
    faster: Option<Spread>,
}

impl Report {
    pub(super) fn new(
        arguments: &Arguments,
        installed: &Installed,
        standings: Vec<Standing>,
        load: [f64; 2],
    ) -> Self {
        let clients = standings.iter().map(|standing| Figures::of(standing, installed));
        let mut ratios = Vec::new();
        for ours in standings.iter().filter(|standing| standing.client.is_ours()) {
            let others = standings.iter().filter(|other| ours.is_comparable_with(other));
            ratios.extend(others.map(|other| Ratio::of(ours, other, installed)));
        }
        Self {
            messages: arguments.messages,
            rounds: arguments.rounds,
            load,
            clients: clients.collect(),
            ratios,
        }
    }
}

impl Client {
    fn is_ours(self) -> bool {
        matches!(self, Self::Fcm | Self::WebPush)
    }

    fn speaks_web_push(self) -> bool {
        matches!(self, Self::WebPush | Self::WebPushNode)
    }
}

impl Standing {
    /// With others at the same gateway who speak the same, and with itself at a faster one.
    fn is_comparable_with(&self, other: &Self) -> bool {
        if self.client == other.client {
            return match (self.gateway, other.gateway) {
                (Gateway::Own { milliseconds: slow }, Gateway::Own { milliseconds: fast }) => slow > fast,
                _ => false,
            };
        }
        self.gateway == other.gateway && self.client.speaks_web_push() == other.client.speaks_web_push()
    }
}

impl Figures {
    fn of(standing: &Standing, installed: &Installed) -> Self {
        let messages = standing.client.messages(installed.messages) as f64;
        let samples = standing.samples.iter();
        let cpu = samples.clone().map(|sample| sample.cpu_seconds * 1e6 / messages);
        let peaks = samples.map(|sample| sample.peak_rss_bytes as f64);
        let peaks = peaks.filter(|peak| *peak > 0.0);
        Self {
            client: standing.client,
            gateway: standing.gateway,
            messages_per_second: Spread::of(&standing.rates(installed)),
            cpu_microseconds_per_message: Spread::of(&cpu.collect::<Vec<_>>()),
            peak_rss_bytes: Spread::of(&peaks.collect::<Vec<_>>()),
        }
    }
}

impl Ratio {
    fn of(ours: &Standing, other: &Standing, installed: &Installed) -> Self {
        Self {
            client: ours.client,
            gateway: ours.gateway,
            than: other.client,
            than_at: other.gateway,
            faster: Spread::of_ratios(&ours.rates(installed), &other.rates(installed)),
        }
    }
}

impl fmt::Display for Report {
    /// The tables, without a line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} messages over TLS, {} rounds; median (least–most)",
            count(self.messages),
            self.rounds
        )?;
        writeln!(
            f,
            "load of the machine {:.1} before, {:.1} after\n",
            self.load[0], self.load[1]
        )?;
        let mut table = Table::new();
        table.row([
            &"client",
            &"gateway",
            &"messages/s",
            &"CPU µs a message",
            &"peak memory",
        ]);
        for figures in &self.clients {
            table.row([
                &figures.client,
                &figures.gateway,
                &show(figures.messages_per_second, whole),
                &show(figures.cpu_microseconds_per_message, hundredths),
                &show(figures.peak_rss_bytes, |peak| bytes(peak as u64)),
            ]);
        }
        writeln!(f, "{table}\n")?;
        let mut table = Table::new();
        table.row([&"client", &"gateway", &"times the rate of", &"at", &"ratio"]);
        for ratio in &self.ratios {
            table.row([
                &ratio.client,
                &ratio.gateway,
                &ratio.than,
                &ratio.than_at,
                &show(ratio.faster, hundredths),
            ]);
        }
        write!(f, "{table}")
    }
}
