//! One replica: asked again and again, and believed to have stopped while it does not answer.

use std::time::Duration;

use chrono::{DateTime, Utc};
use database::server::{self, Replication};
use database::{Db, Error, Settings, heartbeat};
use tokio::time::timeout;

use super::{Hearing, ReplicaStatus};
use crate::clock::Moment;

/// A replica that has not answered for so long counts no more.
const DROPPED_AFTER: Duration = Duration::from_secs(30);

/// A replica, and when it was heard of last.
#[derive(Debug)]
pub(super) struct Replica {
    name: String,
    settings: Settings,
    db: Option<Db>,
    hearing: Hearing,
    /// When it last answered, or watching began.
    heard_at: Moment,
    /// How far it was behind then, in seconds.
    lag: f64,
}

/// What a replica says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The last beat that has come to it, if one has.
    pub(super) beat: Option<DateTime<Utc>>,
    pub(super) replication: Replication,
}

/// What its watchers should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It counts no more.
    Dropped,
    /// It counts again.
    Back,
}

impl Replica {
    /// A replica that is taken to be up to date at `now`.
    pub(super) fn new(name: String, settings: Settings, now: Moment) -> Self {
        Self {
            name,
            settings,
            db: None,
            hearing: Hearing::Silent,
            heard_at: now,
            lag: 0.0,
        }
    }

    /// Its `host:port`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Asks it, and waits `within` that for its answer.
    pub(super) async fn ask(&mut self, within: Duration) -> Result<Answer, Error> {
        let asked = async {
            let db = match self.db.take() {
                Some(db) => db,
                None => Db::connect(&self.settings).await?,
            };
            let db = self.db.insert(db);
            Ok(Answer {
                beat: heartbeat::last(&*db).await?,
                replication: server::replication(db).await?,
            })
        };
        match timeout(within, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::unreachable(format!("no answer within {within:?}"))),
        }
    }

    /// Takes in what was answered, if anything was, where the beat before this sample was at
    /// `beat` on the primary.
    pub(super) fn hear(
        &mut self,
        answer: Option<Answer>,
        beat: Option<DateTime<Utc>>,
        now: Moment,
    ) -> Option<Change> {
        let was_dropped = self.hearing == Hearing::Dropped;
        let heard = answer.and_then(|answer| behind(answer, beat));
        if let Some(lag) = heard {
            self.lag = lag;
            self.heard_at = now;
        }
        self.hearing = match heard {
            Some(lag) if lag.is_infinite() => Hearing::Stopped,
            Some(_) => Hearing::Heard,
            None if was_dropped || now.since(self.heard_at) >= DROPPED_AFTER => Hearing::Dropped,
            None => Hearing::Silent,
        };
        match (was_dropped, self.hearing == Hearing::Dropped) {
            (false, true) => Some(Change::Dropped),
            (true, false) => Some(Change::Back),
            (false, false) | (true, true) => None,
        }
    }

    /// What is known of it. While it is silent it is taken to apply nothing.
    pub(super) fn status(&self, now: Moment) -> ReplicaStatus {
        let silence = now.since(self.heard_at).as_secs_f64();
        ReplicaStatus {
            name: self.name.clone(),
            hearing: self.hearing,
            lag: match self.hearing {
                Hearing::Heard | Hearing::Stopped => Some(self.lag),
                Hearing::Silent => Some(self.lag + silence),
                Hearing::Dropped => None,
            },
        }
    }
}

/// How far it is behind, in seconds; `None` if it does not say, because no beat has come to it yet.
fn behind(answer: Answer, beat: Option<DateTime<Utc>>) -> Option<f64> {
    match (answer.replication, answer.beat, beat) {
        (Replication::Stopped, ..) => Some(f64::INFINITY),
        (Replication::Running | Replication::Unknown, Some(has), Some(beat)) => {
            // One that has a later beat has them all.
            Some((beat - has).to_std().unwrap_or_default().as_secs_f64())
        }
        // Nobody has beaten before.
        (Replication::Running | Replication::Unknown, _, None) => Some(0.0),
        (Replication::Running | Replication::Unknown, None, Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;

    const SECOND: Duration = Duration::from_secs(1);

    fn noon() -> DateTime<Utc> {
        "2026-07-01T12:00:00Z".parse().unwrap()
    }

    fn replica(now: Moment) -> Replica {
        Replica::new("db:3306".to_owned(), Settings::new("mysql://db/noroshi"), now)
    }

    fn has(beat: DateTime<Utc>) -> Option<Answer> {
        Some(Answer {
            beat: Some(beat),
            replication: Replication::Unknown,
        })
    }

    #[test]
    fn a_replica_is_as_far_behind_as_its_beat_is_before_the_primarys() {
        let now = Clock::system().monotonic();
        let mut replica = replica(now);

        let lags = [0, 3].map(|seconds| {
            replica.hear(has(noon() - SECOND * seconds), Some(noon()), now);
            replica.status(now).lag
        });

        assert_eq!(lags, [Some(0.0), Some(3.0)]);
        assert_eq!(replica.status(now).hearing, Hearing::Heard);
    }

    #[test]
    fn a_replica_that_says_that_it_is_stopped_is_behind_without_end() {
        let now = Clock::system().monotonic();
        let mut replica = replica(now);
        let stopped = Answer {
            beat: Some(noon()),
            replication: Replication::Stopped,
        };

        replica.hear(Some(stopped), Some(noon()), now);

        assert_eq!(replica.status(now).lag, Some(f64::INFINITY));
        assert_eq!(replica.status(now).hearing, Hearing::Stopped);
    }

    #[test]
    fn a_silent_replica_falls_behind_until_it_is_dropped_and_counts_when_it_is_back() {
        let start = Clock::system().monotonic();
        let mut replica = replica(start);
        replica.hear(has(noon() - SECOND), Some(noon()), start);

        let silent = replica.hear(None, Some(noon()), start + 5 * SECOND);
        let falling = replica.status(start + 5 * SECOND);
        let dropped = replica.hear(None, Some(noon()), start + 30 * SECOND);
        let gone = replica.status(start + 30 * SECOND);
        let back = replica.hear(has(noon()), Some(noon()), start + 60 * SECOND);

        assert_eq!((silent, falling.lag), (None, Some(6.0)));
        assert_eq!((dropped, gone.lag), (Some(Change::Dropped), None));
        assert_eq!(back, Some(Change::Back));
        assert_eq!(replica.status(start + 60 * SECOND).lag, Some(0.0));
    }
}
