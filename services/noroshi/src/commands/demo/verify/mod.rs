//! What became of the audience, computed from what the stores and the gateway hold.
//!
//! None of the pipeline's own counters is asked. The audience is read from its chunks, the
//! pushes from Datastore, the grants from SQL, and what was sent from the gateway's ledger; chunk
//! by chunk and in sorted streams, so that a larger campaign takes longer and not more memory.

mod merge;
mod sort;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use audience::Unpacked;
use campaign::{AudienceId, CampaignId, ChunkId, PushId, PushState, Tally};
use database::shard::coupon_grant;
use emulator::sink::ledger;
use futures::stream::{self, StreamExt};
use push_store::Push;
use runtime::Backends;

use super::devices::{device_of, recipients};
use super::error::Error;
use crate::progress::Stage;
use merge::{Difference, Expected, RECORD, Sent, compare};
use sort::Sorter;

/// Chunks that are read at once.
const AT_ONCE: usize = 4;

/// What each of the two sorts may use.
const SORT_MEMORY: usize = 8 << 20;

/// A campaign that is over, and where its traces are.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) campaign: CampaignId,
    pub(super) audience: AudienceId,
    pub(super) chunk_count: u32,
    /// The gateway's.
    pub(super) ledger: PathBuf,
}

/// What is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Truth {
    /// Recipients of the audience.
    pub(super) audience: u64,
    /// Every push in Datastore, by state and reason.
    pub(super) pushes: Tally,
    /// Recipients whose push is missing, or not final, or sent and not received.
    pub(super) lost: u64,
    /// Ledger entries beyond one for each push and address.
    pub(super) doubled: u64,
    /// Grants in SQL.
    pub(super) grants: u64,
    /// Recipients of the audience who have one.
    pub(super) granted: u64,
}

/// Finds it out. The stage counts recipients.
pub(super) async fn verify(
    backends: &Backends,
    subject: &Subject,
    stage: &Stage<'_>,
) -> Result<Truth, Error> {
    let mut truth = Truth {
        grants: coupon_grant::count(&backends.db, subject.campaign).await?,
        ..Truth::default()
    };
    let mut sorter = Sorter::new(&backends.process.config.data.dir, SORT_MEMORY);
    let chunks = stream::iter(0..subject.chunk_count).map(|no| read(backends, subject, no));
    let mut chunks = chunks.buffer_unordered(AT_ONCE);
    while let Some(chunk) = chunks.next().await {
        let Chunk {
            recipients,
            pushes,
            granted,
        } = chunk?;
        truth.granted += granted;
        for expected in truth.add(subject.campaign, &recipients, &pushes) {
            sorter.push(expected.to_bytes()).map_err(Error::Ledger)?;
        }
        stage.set(truth.audience);
    }
    let ledger = subject.ledger.clone();
    let compared = tokio::task::spawn_blocking(move || compare_with_ledger(sorter, &ledger)).await;
    let difference = compared.map_err(|_| Error::Panicked)?.map_err(Error::Ledger)?;
    truth.conclude(difference);
    Ok(truth)
}

/// All that the stores hold of one chunk.
struct Chunk {
    recipients: Unpacked,
    pushes: Vec<Push>,
    granted: u64,
}

async fn read(backends: &Backends, subject: &Subject, no: u32) -> Result<Chunk, Error> {
    let recipients = recipients(&backends.db, subject.audience, no).await?;
    let pushes = backends
        .push_store
        .list_pushes(ChunkId::of(subject.campaign, no))
        .await?;
    let users: Vec<_> = recipients
        .iter()
        .flatten()
        .map(|recipient| recipient.user_id)
        .collect();
    let granted = coupon_grant::list_granted_among(&backends.db, subject.campaign, &users).await?;
    let granted = granted.len() as u64;
    Ok(Chunk {
        recipients,
        pushes,
        granted,
    })
}

impl Truth {
    /// Takes in one chunk, and says what the ledger should have of it.
    fn add(&mut self, campaign: CampaignId, recipients: &Unpacked, pushes: &[Push]) -> Vec<Expected> {
        self.pushes += &pushes.iter().map(|push| push.standing).collect::<Tally>();
        let states: HashMap<_, _> = pushes
            .iter()
            .map(|push| (push.id, push.standing.state()))
            .collect();
        let expected = recipients.iter().flatten().map(|recipient| {
            let push = PushId::of(campaign, recipient.user_id);
            let state = states.get(&push).copied();
            self.audience += 1;
            self.lost += u64::from(!state.is_some_and(PushState::is_final));
            Expected {
                push,
                device: device_of(recipient.user_id),
                sent: if state == Some(PushState::Sent) {
                    Sent::Yes
                } else {
                    Sent::No
                },
            }
        });
        expected.collect()
    }

    /// Takes in what the ledger says, once every chunk is in.
    fn conclude(&mut self, difference: Difference) {
        self.lost += difference.unreceived;
        self.doubled = difference.doubled;
    }
}

fn compare_with_ledger(sorter: Sorter<RECORD>, ledger: &Path) -> io::Result<Difference> {
    let expected = sorter.sorted()?.map(|record| Ok(Expected::from_bytes(&record?)));
    compare(expected, ledger::sorted_by_push(ledger, SORT_MEMORY)?)
}

#[cfg(test)]
mod tests;
