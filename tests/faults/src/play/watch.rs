//! What is seen of the stores while a case is played.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use campaign::{CampaignId, ChunkId, Reason, Standing};
use database::inconsistency;
use database::shard::intent;
use emulator::sink::ledger::Reader;
use journeys::world::settings::CHUNK;

use crate::case::Case;
use crate::stage::Stage;

/// What a fault at a campaign left, and how long it took to be repaired.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Troubles after which somebody else may hand over once more what is handed over.
    doubling: Vec<String>,
    campaign: Option<(CampaignId, u32)>,
    handed_over_unsettled: usize,
    /// When the process came back and found something open.
    open_since: Option<Instant>,
    repairs: Vec<Duration>,
    /// The most that was handed over and not settled after each of them.
    most: BTreeMap<String, usize>,
}

/// What was seen in the end.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    /// Messages that were accepted and not settled when a fault struck, of all faults.
    pub(super) handed_over_unsettled: usize,
    pub(super) repairs: Vec<Duration>,
}

impl Watch {
    /// For a case.
    pub(super) fn of(case: &Case) -> Self {
        let doubling = case.troubles().filter(|trouble| trouble.may_double());
        Self {
            doubling: doubling.map(|trouble| trouble.to_string()).collect(),
            ..Self::default()
        }
    }

    /// From now on, this campaign of so many chunks is looked at.
    pub(super) fn campaign(&mut self, campaign: CampaignId, chunks: u32) {
        self.campaign = Some((campaign, chunks));
    }

    /// The campaign that is looked at.
    pub(super) fn watched(&self) -> Option<CampaignId> {
        self.campaign.map(|(campaign, _)| campaign)
    }

    /// The process has died: what it had handed over and not settled may be sent once more.
    pub(super) async fn death(&mut self, stage: &Stage) {
        self.open_since = None;
        self.handed_over_unsettled += self.unsettled(stage).await;
    }

    /// A server was down: how soon after that repairs are made is a matter of back-offs, and no
    /// return of a process.
    pub(super) fn outage(&mut self) {
        self.open_since = None;
    }

    /// The process is back.
    pub(super) async fn start(&mut self, stage: &Stage) {
        if self.is_open(stage).await {
            self.open_since.get_or_insert_with(now);
        }
    }

    /// A moment has passed.
    pub(super) async fn look(&mut self, stage: &Stage) {
        if let Some(since) = self.open_since
            && !self.is_open(stage).await
        {
            self.repairs.push(since.elapsed());
            self.open_since = None;
        }
        if self.doubling.is_empty() {
            return;
        }
        let happened = stage.happened();
        for trouble in self.doubling.iter().filter(|trouble| happened.contains(*trouble)) {
            let unsettled = self.unsettled(stage).await;
            let most = self.most.entry(trouble.clone()).or_default();
            *most = unsettled.max(*most);
        }
    }

    /// Messages that were accepted and not settled when a fault struck, so far: at most, where
    /// that cannot be seen.
    pub(super) fn handed_over_unsettled(&self, stage: &Stage) -> usize {
        let unseen = stage.resets() + stage.overruns();
        self.handed_over_unsettled + self.most.values().sum::<usize>() + unseen * CHUNK
    }

    pub(super) fn end(self, stage: &Stage) -> Watched {
        Watched {
            handed_over_unsettled: self.handed_over_unsettled(stage),
            repairs: self.repairs,
        }
    }

    /// Whether SQL has committed something that Datastore is not known to have.
    async fn is_open(&self, stage: &Stage) -> bool {
        let Some((campaign, _)) = self.campaign else {
            return false;
        };
        let db = &stage.books.db;
        // SQL may be down just now; then nothing is known, and it is asked again.
        let intents = intent::count_open(db, campaign).await.unwrap_or(1);
        intents > 0 || inconsistency::count_open(db).await.unwrap_or(1) > 0
    }

    /// Messages that the gateway has accepted, of which Datastore does not hold the push as sent.
    async fn unsettled(&self, stage: &Stage) -> usize {
        let Some((campaign, chunks)) = self.campaign else {
            return 0;
        };
        let mut sent = HashSet::new();
        for no in 0..chunks {
            let Ok(pushes) = stage
                .books
                .push_store
                .list_pushes(ChunkId::of(campaign, no))
                .await
            else {
                continue;
            };
            let accepted = Standing::Settled(Reason::Accepted);
            sent.extend(
                pushes
                    .iter()
                    .filter(|push| push.standing == accepted)
                    .map(|push| push.id.to_string()),
            );
        }
        let Ok(ledger) = Reader::open(&stage.books.ledger) else {
            return 0;
        };
        let open = ledger.flatten().filter(|entry| !sent.contains(&entry.push_id));
        open.map(|entry| entry.push_id).collect::<HashSet<_>>().len()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a span of this program's own, read by nobody else"
)]
fn now() -> Instant {
    Instant::now()
}
