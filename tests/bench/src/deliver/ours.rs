//! Noroshi as the sender drives it, with the sender's defaults: chunks side by side, all messages
//! of a chunk at once, each rendered for its recipient.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use campaign::{Lane, Templates};
use chrono::Utc;
use futures::stream::{FuturesUnordered, StreamExt};
use provider::fcm::{self, Credentials, Fcm};
use provider::web_push::{self, Endpoints, Subscription, WebPush};
use provider::{Address, Gateways, Now, Outcome, Outgoing, PoolSettings, Proving, SigningKey, Target, Trust};
use runtime::config::Config;
use tokio::task::JoinSet;

use super::message::{name, push, templates, token};
use crate::process::own_cpu_seconds;
use crate::sample::Sample;
use crate::stopwatch::Stopwatch;

/// Recipients of a chunk.
const CHUNK: u64 = 499;

/// What is sent, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct ClientArguments {
    /// The gateway that is spoken to.
    #[arg(value_enum)]
    gateway: Kind,
    /// The certificate that is trusted.
    #[arg(long)]
    trusted: PathBuf,
    /// Connections at most, if not the sender's default.
    #[arg(long)]
    connections: Option<NonZeroU32>,
    base: String,
    count: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Fcm,
    WebPush,
}

/// Sends, and prints what it took.
pub(super) fn run(arguments: &ClientArguments) -> anyhow::Result<()> {
    runtime::process::install_crypto();
    let sample = tokio::runtime::Runtime::new()?.block_on(send(arguments))?;
    noroshi::output::line(serde_json::to_string(&sample)?);
    Ok(())
}

/// What every send needs.
struct Sending {
    gateways: Gateways,
    templates: Templates,
    /// Of everybody: whom a message is encrypted for does not change what that costs.
    subscription: Option<Subscription>,
    next: AtomicU64,
    accepted: AtomicU64,
    count: u64,
}

async fn send(arguments: &ClientArguments) -> anyhow::Result<Sample> {
    let sending = Arc::new(Sending::new(arguments)?);
    let cpu_before = own_cpu_seconds()?;
    let stopwatch = Stopwatch::start();
    let mut chunks = JoinSet::new();
    for _ in 0..Config::default().sender.concurrency.get() {
        let sending = sending.clone();
        chunks.spawn(async move { while sending.chunk().await {} });
    }
    chunks.join_all().await;
    let sample = Sample::taken(stopwatch, cpu_before);
    let accepted = sending.accepted.load(Ordering::Relaxed);
    ensure!(
        accepted == arguments.count,
        "{accepted} of {} were accepted",
        arguments.count
    );
    sample
}

impl Sending {
    fn new(arguments: &ClientArguments) -> anyhow::Result<Self> {
        let trust = Trust::with(&std::fs::read(&arguments.trusted)?)?;
        #[expect(clippy::disallowed_methods, reason = "a benchmark takes real time")]
        let now = Now::new(Utc::now);
        let settings = Config::default().provider;
        let connections = arguments.connections.unwrap_or(match arguments.gateway {
            Kind::Fcm => settings.fcm.connections,
            Kind::WebPush => settings.web_push.connections,
        });
        let pool = PoolSettings {
            connections: usize::try_from(connections.get())?,
            streams: runtime::gateways::STREAMS,
            timeout: Duration::from_secs(10),
            age: Duration::from_secs(3_600),
            proving: Proving::NotNeeded,
        };
        let base = &arguments.base;
        let mut gateways = Gateways::default();
        let mut subscription = None;
        match arguments.gateway {
            Kind::Fcm => {
                gateways.fcm = Some(Fcm::new(fcm::Config {
                    target: Target::parse(base, &trust)?,
                    project: "demo".to_owned(),
                    credentials: Credentials::Token("token".to_owned()),
                    pool,
                    now,
                })?);
            }
            Kind::WebPush => {
                let endpoints = Endpoints::StandIn(base.clone());
                subscription = Some(subscribed(&endpoints, base)?);
                gateways.web_push = Some(WebPush::new(web_push::Config {
                    key: SigningKey::generate(),
                    subject: "mailto:push@example.com".to_owned(),
                    endpoints,
                    trust,
                    pool,
                    now,
                })?);
            }
        }
        Ok(Self {
            gateways,
            templates: templates()?,
            subscription,
            next: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            count: arguments.count,
        })
    }

    /// Sends the next chunk; `false` if there is none.
    async fn chunk(&self) -> bool {
        let first = self.next.fetch_add(CHUNK, Ordering::Relaxed);
        let places = first..self.count.min(first + CHUNK);
        let mut sends = places.map(|no| self.one(no)).collect::<FuturesUnordered<_>>();
        while let Some(outcome) = sends.next().await {
            if outcome == Some(Outcome::Accepted) {
                self.accepted.fetch_add(1, Ordering::Relaxed);
            }
        }
        first < self.count
    }

    async fn one(&self, no: u64) -> Option<Outcome> {
        let (name, token) = (name(no), token(no));
        let variable = |variable: &str| (variable == "name").then_some(&*name);
        let message = self.templates.render(&token, None, variable).ok()?;
        let address = match &self.subscription {
            Some(subscription) => Address::WebPush(subscription),
            None => Address::Fcm(fcm::Address::Token(&token)),
        };
        let slot = match self.gateways.slot(address, Lane::Fast).await {
            Ok(slot) => slot,
            Err(outcome) => return Some(outcome),
        };
        let outgoing = Outgoing {
            push: push(no),
            message: &message,
            time_to_live: Duration::from_secs(3_600),
        };
        Some(slot.send(&outgoing).await)
    }
}

/// A browser's subscription at that gateway.
fn subscribed(endpoints: &Endpoints, base: &str) -> anyhow::Result<Subscription> {
    // Any key on the curve will do: nobody decrypts.
    let p256dh = SigningKey::generate().public_key();
    let subscription = Subscription::parse(
        endpoints,
        &format!("{base}/push/1"),
        &p256dh,
        "AAAAAAAAAAAAAAAAAAAAAA",
    );
    subscription.ok().context("a subscription of our own")
}
