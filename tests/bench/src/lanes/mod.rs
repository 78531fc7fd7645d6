//! Small campaigns beside a large one: how much later they are delivered.
//!
//! Several processes, each the whole of `noroshi up` at its defaults, work on one database, one
//! Datastore, one queue and one gateway, which live in this process. Small campaigns follow each
//! other, first alone, then while a large one goes on: while it is expanded, of which delivery
//! has begun as well, and while it is only delivered.

mod report;

use std::process::Command;

use anyhow::ensure;
use campaign::{AudienceId, CampaignId};
use journeys::cluster::{Cluster, Delivered, PATIENCE, Plan, Sql};
use journeys::world::view::Progress;
use journeys::world::{until_within, users};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::command;
use crate::process::load;
use crate::stopwatch::Stopwatch;
use report::{Report, Stage};

/// How the campaigns are to be.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Recipients of the large campaign; over 100,000 it is in the bulk lane.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(100_001..))]
    users: u64,
    /// Recipients of each small one.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    small: u64,
    /// Small ones that are counted in each stage.
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Processes.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    processes: u64,
    /// How long the gateway takes for a message.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 50)]
    gateway: u64,
    /// Keep campaigns in a database of this server, mysql://USER@HOST:PORT, and not in a file.
    #[arg(long, value_name = "URL")]
    mysql: Option<String>,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
}

/// Tasks of a lane that one process has in hand, at the default of `sender.concurrency`.
const IN_HAND: u16 = 16;

/// Measures and prints.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    runtime::process::install_crypto();
    let report = Runtime::new()?.block_on(measure(arguments))?;
    if arguments.json {
        noroshi::output::line(serde_json::to_string(&report)?);
    } else {
        noroshi::output::line(&report);
    }
    Ok(())
}

async fn measure(arguments: &Arguments) -> anyhow::Result<Report> {
    let cluster = Cluster::start(plan(arguments)?).await;
    let delay = json!({"delay": {"fixed_ms": arguments.gateway}});
    cluster.gateway().play(&delay).await;
    let lanes = Lanes::prepare(cluster, arguments).await?;
    let load_before = load()?;

    let mut alone = Vec::new();
    for round in 0..=arguments.rounds {
        let delivered = lanes.deliver().await;
        // In the first everything is done for the first time.
        if round > 0 {
            alone.push(delivered);
        }
    }
    noroshi::output::note("the large campaign");
    let large = lanes.draft(lanes.everybody).await;
    let begun = Stopwatch::start();
    lanes.cluster.api().turn(large, "start").await;
    let (expanding, delivering) = lanes.deliver_beside(large, arguments.rounds).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let sent = lanes.cluster.api().progress(large).await.count("sent");
    let asked = Stopwatch::start();
    lanes.cluster.api().turn(large, "cancel").await;
    let cancelled_after = asked.elapsed();
    lanes.cluster.end().await;

    Ok(Report {
        users: arguments.users,
        small: arguments.small,
        processes: arguments.processes,
        sql: if arguments.mysql.is_some() {
            "mysql"
        } else {
            "sqlite"
        },
        gateway_milliseconds: arguments.gateway,
        large_per_second: sent as f64 / seconds,
        cancelled_after_seconds: cancelled_after.as_secs_f64(),
        load: [load_before, load()?],
        stages: Stage::all(&alone, &expanding, &delivering),
    })
}

fn plan(arguments: &Arguments) -> anyhow::Result<Plan> {
    let program = command::program()?;
    let members = usize::try_from(arguments.processes)?;
    Ok(Plan {
        sql: arguments.mysql.clone().map_or(Sql::Sqlite, Sql::Server),
        members,
        tasks_at_once: IN_HAND.saturating_mul(u16::try_from(members)?),
        noroshi: Box::new(move || {
            let mut command = Command::new(&program);
            command.arg("noroshi");
            command
        }),
        settings: Box::new(|_, settings| settings.set("log.level", "warn")),
    })
}

/// The processes, and whom their campaigns are for.
struct Lanes {
    cluster: Cluster,
    few: Vec<String>,
    few_audience: AudienceId,
    everybody: AudienceId,
    /// How many that is.
    users: u64,
}

impl Lanes {
    async fn prepare(cluster: Cluster, arguments: &Arguments) -> anyhow::Result<Self> {
        let users = users(usize::try_from(arguments.users)?);
        noroshi::output::note("devices");
        cluster.api().register(&users).await;
        noroshi::output::note("audiences");
        let everybody = cluster.audience(&users).await;
        let mut few = users;
        few.truncate(usize::try_from(arguments.small)?);
        Ok(Self {
            few_audience: cluster.audience(&few).await,
            few,
            everybody,
            users: arguments.users,
            cluster,
        })
    }

    async fn draft(&self, audience: AudienceId) -> CampaignId {
        let text = json!({"title": "A signal", "body": "Lit."});
        let plan = json!({
            "name": "a signal",
            "audience_id": audience,
            "message": {"default_locale": "en", "texts": {"en": text}},
        });
        self.cluster.draft(&plan).await
    }

    /// Delivers a small campaign, and waits until it is finished.
    async fn deliver(&self) -> Delivered {
        let draft = self.draft(self.few_audience).await;
        let delivered = self.cluster.deliver(draft, &self.few).await;
        until_within(PATIENCE, "the small campaign is finished", async || {
            let progress = self.cluster.api().progress(draft).await;
            (progress.state == "finished").then_some(())
        })
        .await;
        delivered
    }

    /// Delivers small campaigns while the large one is expanded, and while it is delivered: so
    /// many in each stage, or fewer if it is over before.
    async fn deliver_beside(
        &self,
        large: CampaignId,
        rounds: u64,
    ) -> anyhow::Result<(Vec<Delivered>, Vec<Delivered>)> {
        let (mut expanding, mut delivering) = (Vec::new(), Vec::new());
        let mut before = self.until_sending(large).await;
        while (delivering.len() as u64) < rounds && before.state == "running" {
            let delivered = self.deliver().await;
            let after = self.cluster.api().progress(large).await;
            if after.expanded < self.users {
                expanding.push(delivered);
            } else if before.expanded == self.users && after.state == "running" {
                delivering.push(delivered);
            }
            before = after;
        }
        let stages = [("expanded", &expanding), ("delivered", &delivering)];
        for (stage, delivered) in stages {
            ensure!(!delivered.is_empty(), "the large campaign was {stage} too soon");
        }
        Ok((expanding, delivering))
    }

    /// Waits until the large campaign has sent something.
    async fn until_sending(&self, large: CampaignId) -> Progress {
        until_within(PATIENCE, "the large campaign sends", async || {
            let progress = self.cluster.api().progress(large).await;
            (progress.count("sent") > 0).then_some(progress)
        })
        .await
    }
}
