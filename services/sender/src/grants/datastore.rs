//! The Datastore side: the granted pushes are raised.
//!
//! It reads first, then lets the SQL side begin, and learns from it whom to raise.

use campaign::{ChunkId, Places, Standing};
use chrono::{DateTime, Utc};
use push_store::{Commit, Open, PushStore};
use rendezvous::{Participant, Verdict};
use tokio::sync::oneshot;

use super::{Candidate, SideError};
use crate::attempt::Attempt;

pub(super) struct DatastoreSide {
    store: PushStore,
    chunk: ChunkId,
    candidates: Vec<Candidate>,
    opened: Option<oneshot::Sender<()>>,
    to_raise: Option<oneshot::Receiver<Places>>,
    now: DateTime<Utc>,
    open: Option<Open>,
}

impl DatastoreSide {
    pub(super) fn new(
        attempt: &Attempt<'_>,
        candidates: Vec<Candidate>,
        opened: oneshot::Sender<()>,
        to_raise: oneshot::Receiver<Places>,
    ) -> Self {
        Self {
            store: attempt.backends.push_store.clone(),
            chunk: attempt.chunk.id,
            candidates,
            opened: Some(opened),
            to_raise: Some(to_raise),
            now: attempt.now(),
            open: None,
        }
    }
}

impl Participant<SideError> for DatastoreSide {
    async fn prepare(&mut self) -> Result<(), SideError> {
        let pushes = self
            .candidates
            .iter()
            .map(|candidate| candidate.push)
            .collect::<Vec<_>>();
        let open = self.store.open(self.chunk, &pushes).await?;
        let open = self
            .open
            .insert(open.ok_or(SideError::Impossible("the chunk is gone"))?);
        if let Some(opened) = self.opened.take() {
            // An SQL side that is gone is the meeting's to notice.
            let _: Result<(), ()> = opened.send(());
        }
        let to_raise = self
            .to_raise
            .take()
            .ok_or(SideError::Impossible("prepared twice"))?;
        let granted = to_raise
            .await
            .map_err(|_| SideError::Impossible("the SQL side failed"))?;
        for candidate in self
            .candidates
            .iter()
            .filter(|candidate| granted.contains(candidate.place))
        {
            open.raise(candidate.push, Standing::Granted, self.now);
        }
        Ok(())
    }

    async fn commit(self) -> Verdict<SideError> {
        let Some(open) = self.open else {
            return Verdict::NotCommitted(SideError::Impossible("committed before it was prepared"));
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
