//! How far a replica is behind, measured all the time.
//!
//! As the guard does it, only more often, and on connections of its own: the heart is beaten on the
//! primary and looked for on the replica.

use std::time::Duration;

use anyhow::Context;
use database::{Db, Settings, heartbeat};
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::servers::Servers;

/// How often it is measured.
const EVERY: Duration = Duration::from_millis(100);

/// A replica that is less behind has caught up.
const CAUGHT_UP: Duration = Duration::from_millis(500);

/// How long that may take.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(3_600);

/// What was seen, in seconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Lags {
    pub(super) max: f64,
    pub(super) p99: f64,
    pub(super) median: f64,
}

/// The measuring, under way.
#[derive(Debug)]
pub(super) struct Watch {
    over: oneshot::Sender<()>,
    measuring: JoinHandle<anyhow::Result<Vec<Duration>>>,
}

impl Watch {
    pub(super) async fn start(servers: &Servers) -> anyhow::Result<Self> {
        let connect = async |url: &str| {
            Db::connect(&Settings {
                max_connections: 1,
                ..Settings::new(url)
            })
            .await
        };
        let primary = connect(&servers.primary_url).await?;
        let replica = connect(&servers.replica_url).await?;
        let (over, is_over) = oneshot::channel();
        #[expect(clippy::disallowed_methods, reason = "its owner waits for it")]
        let measuring = tokio::spawn(measure(primary, replica, is_over));
        Ok(Self { over, measuring })
    }

    /// Goes on until the replica has everything, and gives what was seen.
    pub(super) async fn until_caught_up(self) -> anyhow::Result<Lags> {
        let Self { over, measuring } = self;
        // A measuring that has failed says why itself.
        let _ = over.send(());
        let lags = tokio::time::timeout(CATCH_UP_WITHIN, measuring).await;
        Lags::of(lags.context("the replica does not catch up")???).context("nothing was measured")
    }
}

async fn measure(
    primary: Db,
    replica: Db,
    mut is_over: oneshot::Receiver<()>,
) -> anyhow::Result<Vec<Duration>> {
    let mut lags = Vec::new();
    loop {
        let mut tx = primary.begin().await?;
        let beat = heartbeat::beat(&mut tx).await?;
        tx.commit().await.repeatable()?;
        if let (Some(beat), Some(has)) = (beat, heartbeat::last(&replica).await?) {
            let lag = (beat - has).to_std().unwrap_or_default();
            lags.push(lag);
            if lag < CAUGHT_UP && is_over.try_recv().is_ok() {
                return Ok(lags);
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

impl Lags {
    /// Of at least one measurement.
    fn of(mut lags: Vec<Duration>) -> Option<Self> {
        lags.sort_unstable();
        let at = |percent: usize| lags.get((lags.len() * percent / 100).min(lags.len().saturating_sub(1)));
        Some(Self {
            max: at(100)?.as_secs_f64(),
            p99: at(99)?.as_secs_f64(),
            median: at(50)?.as_secs_f64(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_measurements_one_is_above_the_99th() {
        let lags = Lags::of((1..=100).map(Duration::from_secs).collect()).unwrap();

        assert_eq!((lags.max, lags.p99, lags.median), (100.0, 100.0, 51.0));
        assert!(Lags::of(Vec::new()).is_none());
    }
}
