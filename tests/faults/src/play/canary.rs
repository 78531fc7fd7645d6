//! A campaign whose canary goes ahead: nobody else is sent anything before that is well, or a
//! person has decided.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::ensure;
use campaign::{CampaignId, CanaryState, ChunkId};
use emulator::sink::ledger::Reader;
use serde_json::{Value, json};

use super::campaign::{progress, turn};
use super::lives::{Lives, now};

/// Of the campaign's chunks, the first alone is its canary.
const CHUNKS: u32 = 1;

/// How long nobody resumes the campaign, so that what would be sent all the same is seen.
const UNDECIDED: Duration = Duration::from_secs(1);

/// The canary, as its plan has it.
pub(super) fn plan() -> Value {
    json!({"percent": 1, "max_failure_rate": 0.1, "min_sent": 20})
}

/// Waits for the pause, sees that it keeps everybody else's messages back, and resumes.
pub(super) async fn resume_after_failure(
    lives: &mut Lives,
    campaign: CampaignId,
    chunks: u32,
) -> anyhow::Result<()> {
    lives
        .until("the canary has paused the campaign", async |lives| {
            expect_nothing_of_others(lives, campaign, chunks).await?;
            let is_paused = progress(lives, campaign).await?.state == "paused";
            Ok((is_paused && lives.is_struck()).then_some(()))
        })
        .await?;
    let until = now() + UNDECIDED;
    lives
        .until("nothing was sent before a person decided", async |lives| {
            expect_nothing_of_others(lives, campaign, chunks).await?;
            if let Ok(Some(found)) = database::campaign::find(&lives.stage.books.db, campaign).await {
                let state = found.canary_state;
                ensure!(state == Some(CanaryState::Failed), "the canary is {state:?}");
            }
            Ok((now() >= until).then_some(()))
        })
        .await?;
    turn(lives, campaign, "resume", &["running", "finished"]).await
}

/// While it is under way, whoever is sent something is of the canary.
pub(super) async fn until_finished(
    lives: &mut Lives,
    campaign: CampaignId,
    chunks: u32,
) -> anyhow::Result<()> {
    lives
        .until("the campaign is finished", async |lives| {
            // In this order: whatever is sent was sent after the canary had passed.
            let others = count_of_others(lives, campaign, chunks).await;
            if others > 0
                && let Ok(Some(found)) = database::campaign::find(&lives.stage.books.db, campaign).await
            {
                let state = found.canary_state;
                ensure!(
                    state == Some(CanaryState::Passed),
                    "{others} messages of other chunks were sent, and the canary is {state:?}"
                );
            }
            let progress = progress(lives, campaign).await?;
            ensure!(progress.state != "paused", "the canary paused the campaign");
            Ok((progress.state == "finished").then_some(()))
        })
        .await
}

async fn expect_nothing_of_others(lives: &Lives, campaign: CampaignId, chunks: u32) -> anyhow::Result<()> {
    let others = count_of_others(lives, campaign, chunks).await;
    ensure!(
        others == 0,
        "{others} messages of other chunks were sent, and nobody has resumed the campaign"
    );
    Ok(())
}

/// Messages that the gateway has accepted of chunks that are not the canary's. Where Datastore does
/// not answer, nothing is known of a chunk.
async fn count_of_others(lives: &Lives, campaign: CampaignId, chunks: u32) -> usize {
    let books = &lives.stage.books;
    let Ok(ledger) = Reader::open(&books.ledger) else {
        return 0;
    };
    let sent: HashSet<_> = ledger.flatten().map(|entry| entry.push_id).collect();
    let mut others = 0;
    for no in CHUNKS..chunks {
        let pushes = books.push_store.list_pushes(ChunkId::of(campaign, no)).await;
        let pushes = pushes.unwrap_or_default();
        others += pushes
            .iter()
            .filter(|push| sent.contains(&push.id.to_string()))
            .count();
    }
    others
}
