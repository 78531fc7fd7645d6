//! The Datastore side: the granted pushes are raised.
//!
//! It reads first, then lets the SQL side begin, and learns from it whom to raise.

use std::sync::Arc;

use campaign::{ChunkId, Places, Standing};
use chrono::{DateTime, Utc};
use push_store::{Commit, Open, PushStore};
use rendezvous::{Participant, Verdict};
use tokio::sync::watch;

use super::Candidate;
use crate::error::Error;

pub(super) struct DatastoreSide {
    pub(super) store: PushStore,
    pub(super) chunk: ChunkId,
    pub(super) now: DateTime<Utc>,
    pub(super) candidates: Arc<[Candidate]>,
    /// Tells that what is needed is read.
    pub(super) opened: watch::Sender<bool>,
    /// Whom to raise, once the SQL side knows.
    pub(super) granted: watch::Receiver<Option<Places>>,
    pub(super) open: Option<Open>,
}

impl Participant<Error> for DatastoreSide {
    async fn prepare(&mut self) -> Result<(), Error> {
        let pushes = self.candidates.iter().map(|candidate| candidate.push);
        let open = self.store.open(self.chunk, &pushes.collect::<Vec<_>>()).await?;
        let open = open.ok_or(Error::Rendezvous("the chunk is gone"))?;
        let open = self.open.insert(open);
        self.opened.send_replace(true);
        let granted = self.granted.wait_for(Option::is_some).await;
        let granted = granted.ok().and_then(|granted| *granted);
        let granted = granted.ok_or(Error::Rendezvous("the SQL side failed"))?;
        for candidate in self.candidates.iter() {
            if granted.contains(candidate.place) {
                open.raise(candidate.push, Standing::Granted, self.now);
            }
        }
        Ok(())
    }

    async fn commit(self) -> Verdict<Error> {
        let Some(open) = self.open else {
            return Verdict::NotCommitted(Error::Rendezvous("committed before it was prepared"));
        };
        match open.commit().await {
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
