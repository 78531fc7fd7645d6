//! Takes a sample of the load again and again.
//!
//! The heart is beaten on the primary, which is also the statement whose latency is measured, and
//! looked for on every replica at the same time. An answer that does not come is a sign as well,
//! so nobody is waited for longer than a moment.

use std::time::Duration;

use chrono::{DateTime, Utc};
use database::{Db, Settings, heartbeat, server};
use futures::future::{join, join_all};
use pacing::guard::{Band, Signals, Thresholds, Throttle, Verdict};
use pacing::{Calls, ErrorRatio};
use push_store::PushStore;
use tokio::time::timeout;
use tracing::{info, warn};

use super::replica::{Answer, Change, Replica};
use super::{Guard, ReplicaStatus, Status, show};
use crate::clock::Clock;
use crate::config;
use crate::stop::Stop;
use crate::telemetry::causes;

/// The longest that a replica is waited for; the primary is waited for as long, or until its
/// latency would hold everything.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A replica is asked one thing after the other.
const CONNECTIONS: u32 = 1;

/// Watches the load for one process.
#[derive(Debug)]
pub(crate) struct Watcher {
    pub(crate) guard: Guard,
    clock: Clock,
    settings: config::Guard,
    primary: Db,
    push_store: PushStore,
    replicas: Vec<Replica>,
    /// The last beat that is known to be over.
    beat: Option<DateTime<Utc>>,
    errors: ErrorRatio,
    throttle: Throttle,
    verdict: Verdict,
}

/// What a primary has shown.
#[derive(Clone, Copy, Debug, Default)]
struct Primary {
    /// The beat before this one.
    beat: Option<DateTime<Utc>>,
    statement: Option<f64>,
    threads_running: Option<f64>,
}

impl Watcher {
    /// Of that primary, over a connection that nobody else waits for, and that Datastore.
    pub(crate) fn new(
        guard: Guard,
        clock: Clock,
        settings: config::Guard,
        primary: Db,
        push_store: PushStore,
    ) -> Self {
        let now = clock.monotonic();
        let replicas = settings.replicas.iter().filter_map(|url| {
            let of_replica = Settings {
                max_connections: CONNECTIONS,
                connect_within: ANSWER_WITHIN,
                answer_within: ANSWER_WITHIN,
                ..Settings::new(url.expose())
            };
            Some(Replica::new(url.server()?, of_replica, now))
        });
        Self {
            guard,
            clock,
            replicas: replicas.collect(),
            primary,
            push_store,
            beat: None,
            errors: ErrorRatio::default(),
            throttle: Throttle::new(thresholds(&settings)),
            verdict: Verdict::FREE,
            settings,
        }
    }

    /// Goes on until the process is asked to stop. What it knew last stays.
    pub(crate) async fn run(mut self, stop: Stop) {
        loop {
            tokio::select! {
                () = self.clock.sleep(self.settings.interval) => {}
                () = stop.requested() => return,
            }
            // To its end: a transaction that is cut would stay open on the server for a while.
            self.sample().await;
        }
    }

    /// Takes one sample and makes known what follows.
    pub(crate) async fn sample(&mut self) {
        let within = ANSWER_WITHIN.max(self.settings.statement_hold_at);
        let of_primary = ask_primary(&self.primary, &self.clock, within);
        let of_replicas = join_all(self.replicas.iter_mut().map(|replica| replica.ask(ANSWER_WITHIN)));
        let (of_primary, answers) = join(of_primary, of_replicas).await;
        self.beat = of_primary.beat.or(self.beat);
        let replicas = self.hear(answers);
        let push_store::Commits { made, failed } = self.push_store.commits();
        let signals = Signals {
            replica_lag: replicas
                .iter()
                .filter_map(|replica| replica.lag)
                .max_by(f64::total_cmp),
            threads_running: of_primary.threads_running,
            statement: of_primary.statement,
            datastore_errors: self.errors.of(Calls { made, failed }),
        };
        let before = std::mem::replace(&mut self.verdict, self.throttle.learn(signals));
        let status = Status {
            sampled_at: Some(self.clock.now()),
            verdict: self.verdict,
            signals,
            replicas,
        };
        show::measure(&status);
        show::tell(before, &status);
        self.guard.publish(status);
    }

    fn hear(&mut self, answers: Vec<Result<Answer, database::Error>>) -> Vec<ReplicaStatus> {
        let (beat, now) = (self.beat, self.clock.monotonic());
        let heard = self.replicas.iter_mut().zip(answers).map(|(replica, answer)| {
            let error = answer.as_ref().err().cloned();
            match replica.hear(answer.ok(), beat, now) {
                Some(Change::Dropped) => warn!(
                    replica.name = replica.name(),
                    error = error.map(|error| causes(&error).to_string()),
                    "a replica is watched no more: it does not answer"
                ),
                Some(Change::Back) => {
                    info!(replica.name = replica.name(), "a replica is watched again");
                }
                None => {}
            }
            replica.status(now)
        });
        heard.collect()
    }
}

/// Beats the heart, and asks what runs beside.
async fn ask_primary(db: &Db, clock: &Clock, within: Duration) -> Primary {
    let asked = async {
        // The wait for a connection, or for the turn to write, is not the server's.
        let mut tx = db.begin_ahead().await?;
        let begun = clock.monotonic();
        let beat = heartbeat::beat(&mut tx).await?;
        tx.commit().await.repeatable()?;
        let took = clock.monotonic().since(begun);
        let threads_running = server::threads_running(db).await?;
        Ok::<_, database::Error>(Primary {
            beat,
            statement: Some(took.as_secs_f64()),
            threads_running: threads_running.map(f64::from),
        })
    };
    match timeout(within, asked).await {
        Ok(Ok(primary)) => primary,
        Ok(Err(_)) | Err(_) => no_answer(db),
    }
}

/// What an answer says that did not come. A SQLite file is busy with what this process writes.
fn no_answer(db: &Db) -> Primary {
    Primary {
        statement: match db {
            Db::MySql(_) => Some(f64::INFINITY),
            Db::Sqlite(_) => None,
        },
        ..Primary::default()
    }
}

fn thresholds(settings: &config::Guard) -> Thresholds {
    let seconds = |slow_from: Duration, hold_at: Duration| Band {
        slow_from: slow_from.as_secs_f64(),
        hold_at: hold_at.as_secs_f64(),
    };
    let percent = |percent: std::num::NonZeroU32| f64::from(percent.get()) / 100.0;
    Thresholds {
        replica_lag: seconds(settings.replica_lag_slow_from, settings.replica_lag_hold_at),
        threads_running: Band {
            slow_from: f64::from(settings.threads_running_slow_from.get()),
            hold_at: f64::from(settings.threads_running_hold_at.get()),
        },
        statement: seconds(settings.statement_slow_from, settings.statement_hold_at),
        datastore_errors: Band {
            slow_from: percent(settings.datastore_errors_slow_from),
            hold_at: percent(settings.datastore_errors_hold_at),
        },
    }
}
