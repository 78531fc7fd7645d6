//! The work that every engine is given.
//!
//! Writes are so many at a time. Queries come one after the other: under many at once over a
//! million entities, Google's emulator stops answering the connection's keep-alive.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::datastore::{Datastore, GROUP};
use crate::process::{Server, own_cpu_seconds};
use crate::stopwatch::Stopwatch;

/// A kind of work, done on whole groups of entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// 500 inserts in one commit.
    Insert,
    /// 500 entities read and written in one transaction.
    Update,
    /// 500 entities by an ancestor query.
    Query,
}

impl Work {
    pub(crate) const ALL: [Self; 3] = [Self::Insert, Self::Update, Self::Query];

    async fn on(self, group: u64, datastore: &Datastore) -> anyhow::Result<()> {
        let done = match self {
            Self::Insert => datastore.insert(group).await,
            Self::Update => datastore.update(group).await,
            Self::Query => datastore.query(group).await,
        };
        done.with_context(|| format!("{self}, group {group}"))
    }

    /// Does it on `groups`, and says what it took.
    pub(crate) async fn measure(
        self,
        groups: Range<u64>,
        in_flight: usize,
        datastore: &Datastore,
        server: &Server,
    ) -> anyhow::Result<Sample> {
        let entities = ((groups.end - groups.start) * GROUP) as f64;
        let server_before = server.usage()?.cpu_seconds;
        let client_before = own_cpu_seconds()?;
        let stopwatch = Stopwatch::start();

        let in_flight = match self {
            Self::Insert | Self::Update => in_flight,
            Self::Query => 1,
        };
        self.on_all(groups, in_flight, datastore).await?;

        let seconds = stopwatch.elapsed().as_secs_f64();
        Ok(Sample {
            per_second: entities / seconds,
            server_cpu: (server.usage()?.cpu_seconds - server_before) / entities * 1e6,
            client_cpu: (own_cpu_seconds()? - client_before) / entities * 1e6,
        })
    }

    async fn on_all(self, groups: Range<u64>, in_flight: usize, datastore: &Datastore) -> anyhow::Result<()> {
        let next = Arc::new(AtomicU64::new(groups.start));
        let mut workers = JoinSet::new();
        for _ in 0..in_flight {
            let (next, datastore) = (next.clone(), datastore.clone());
            workers.spawn(async move {
                loop {
                    let group = next.fetch_add(1, Ordering::Relaxed);
                    if group >= groups.end {
                        return anyhow::Ok(());
                    }
                    self.on(group, &datastore).await?;
                }
            });
        }
        while let Some(worker) = workers.join_next().await {
            worker??;
        }
        Ok(())
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insert => "insert",
            Self::Update => "read-modify-write",
            Self::Query => "ancestor query",
        })
    }
}

/// What some work took in one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Entities per second.
    pub(crate) per_second: f64,
    /// Seconds of CPU of the server per million entities.
    pub(crate) server_cpu: f64,
    /// The same of this program.
    pub(crate) client_cpu: f64,
}
