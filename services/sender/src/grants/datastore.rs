//! The Datastore side: the granted pushes are raised.
//!
//! It reads first, then lets the SQL side begin, and learns from it whom to raise.

use std::sync::Arc;

use campaign::{ChunkId, Standing};
use chrono::{DateTime, Utc};
use push_store::{Commit, Open, PushStore};
use rendezvous::{Participant, Verdict};
use tokio::sync::watch;

use super::candidate::Candidate;
use super::choice::Chosen;
use crate::error::Error;

pub(super) struct DatastoreSide {
    pub(super) store: PushStore,
    pub(super) chunk: ChunkId,
    pub(super) now: DateTime<Utc>,
    pub(super) candidates: Arc<[Candidate]>,
    /// Tells that what is needed is read.
    pub(super) opened: watch::Sender<bool>,
    /// Whom to raise, once the SQL side knows.
    pub(super) chosen: watch::Receiver<Option<Chosen>>,
    pub(super) open: Option<Open>,
}

impl Participant<Error> for DatastoreSide {
    async fn prepare(&mut self) -> Result<(), Error> {
        fault_points::reach!(DatastoreBegins, Err(Error::Rendezvous("an injected fault")));
        let pushes = self.candidates.iter().map(|candidate| candidate.push);
        let open = self.store.open(self.chunk, &pushes.collect::<Vec<_>>()).await?;
        let open = open.ok_or(Error::Rendezvous("the chunk is gone"))?;
        let open = self.open.insert(open);
        self.opened.send_replace(true);
        let chosen = self.chosen.wait_for(Option::is_some).await;
        let chosen = chosen.ok().and_then(|chosen| *chosen);
        let Chosen { granted, .. } = chosen.ok_or(Error::Rendezvous("the SQL side failed"))?;
        for candidate in self.candidates.iter() {
            if granted.contains(candidate.place) {
                open.raise(candidate.push, Standing::Granted, self.now);
            }
        }
        fault_points::reach!(DatastoreReady, Err(Error::Rendezvous("an injected fault")));
        Ok(())
    }

    async fn commit(self) -> Verdict<Error> {
        let Some(open) = self.open else {
            return Verdict::NotCommitted(Error::Rendezvous("committed before it was prepared"));
        };
        fault_points::reach!(
            DatastoreCommit,
            Verdict::Unknown(Error::Rendezvous("an injected fault"))
        );
        let committed = open.commit().await;
        fault_points::reach!(
            DatastoreCommitAnswer,
            Verdict::Unknown(Error::Rendezvous("an injected fault"))
        );
        match committed {
            Commit::Committed => Verdict::Committed,
            Commit::NotCommitted(error) => Verdict::NotCommitted(error.into()),
            Commit::Unknown(error) => Verdict::Unknown(error.into()),
        }
    }

    async fn roll_back(self) {
        if let Some(open) = self.open {
            open.roll_back().await;
        }
    }
}
