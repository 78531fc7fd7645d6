//! What must hold at every moment of a campaign, and not only in its end.
//!
//! A campaign that has broken one of these will not come to its end, or to a wrong one; a case that
//! sees it broken need not wait for that.

mod promises;
mod shares;

use std::collections::HashSet;

use anyhow::{bail, ensure};
use campaign::{CampaignId, ChunkId, ChunkState};
use database::campaign::Campaign;
use database::{Db, audience, audience_chunk, fan_out_progress, fan_out_stripe, inconsistency};
use journeys::world::Books;
use push_store::Chunk;

use crate::case::Case;
use promises::Promises;

/// Looks at the stores, each time a little.
#[derive(Debug, Default)]
pub(super) struct Laws {
    /// Chunks whose pushes were counted: no chunk gets more, or loses one.
    counted: HashSet<ChunkId>,
    promises: Promises,
    /// Whether the processes go by the machine's clock.
    is_clock_right: bool,
}

impl Laws {
    /// Those of a case.
    pub(super) fn of(case: &Case) -> Self {
        Self {
            is_clock_right: case.troubles().all(|trouble| trouble.clock().is_none()),
            ..Self::default()
        }
    }

    /// What is broken of a campaign that has begun. Where a store does not answer nothing is known.
    pub(super) async fn check(&mut self, books: &Books, campaign: CampaignId) -> anyhow::Result<()> {
        let db = &books.db;
        let Ok(Some(found)) = database::campaign::find(db, campaign).await else {
            return Ok(());
        };
        // Before the markers: whoever finishes a stripe has seen them.
        let is_expanded = is_expanded(db, &found).await;
        let numbers = (0..found.chunk_count).collect::<Vec<_>>();
        let Ok(chunks) = books.push_store.list_chunks(campaign, &numbers).await else {
            return Ok(());
        };
        let missing = numbers.len() - chunks.len();
        ensure!(
            !is_expanded || missing == 0,
            "every stripe is finished, and {missing} chunks have no marker"
        );
        for chunk in &chunks {
            check_record(chunk, &found)?;
            self.check_pushes(books, chunk).await?;
        }
        self.promises.check(books, campaign).await?;
        if self.is_clock_right {
            shares::check(books).await?;
        }
        let dead = inconsistency::backlog(db).await.map_or(0, |backlog| backlog.dead);
        ensure!(dead == 0, "{dead} inconsistencies were given up");
        Ok(())
    }

    async fn check_pushes(&mut self, books: &Books, chunk: &Chunk) -> anyhow::Result<()> {
        if self.counted.contains(&chunk.id) {
            return Ok(());
        }
        let Ok(pushes) = books.push_store.list_pushes(chunk.id).await else {
            return Ok(());
        };
        let (no, size, pushes) = (chunk.no, chunk.size, pushes.len());
        ensure!(
            pushes == usize::from(size),
            "chunk {no} is expanded to {size}, and has {pushes} pushes"
        );
        self.counted.insert(chunk.id);
        Ok(())
    }
}

/// An open chunk has a timer, a done one has nothing left; of a campaign that nobody looks at any
/// more no chunk is open.
fn check_record(chunk: &Chunk, campaign: &Campaign) -> anyhow::Result<()> {
    let (no, record) = (chunk.no, &chunk.record);
    if record.state == ChunkState::Done {
        ensure!(
            chunk.is_settled(),
            "chunk {no} is done, and counts {:?}",
            chunk.tally
        );
    } else if !record.state.is_closed() {
        ensure!(record.due_at.is_some(), "chunk {no} has no timer: {record:?}");
        if let Some(at) = campaign.reconciled_at {
            bail!("the campaign is reconciled for good since {at}, and chunk {no} is open: {record:?}");
        }
    }
    Ok(())
}

/// Whether every stripe of the campaign was begun and finished.
async fn is_expanded(db: &Db, campaign: &Campaign) -> bool {
    let begun = fan_out_progress::find(db, campaign.id).await.ok().flatten();
    let begun = begun.unwrap_or_default().saturating_mul(fan_out_stripe::CHUNKS);
    let open = fan_out_stripe::count_open(db, campaign.id).await;
    begun >= campaign.chunk_count && matches!(open, Ok(0))
}

/// What is broken of an audience that is imported: it has every chunk that it is said to have.
pub(super) async fn check_import(books: &Books, id: campaign::AudienceId) -> anyhow::Result<()> {
    let Ok(Some(found)) = audience::find(&books.db, id).await else {
        return Ok(());
    };
    let said = found.progress.chunk_count;
    let Ok(stored) = audience_chunk::list(&books.db, id, 0, said).await else {
        return Ok(());
    };
    let stored = stored.len();
    ensure!(
        stored == said as usize,
        "the audience is said to have {said} chunks, and has {stored}"
    );
    Ok(())
}
