//! Counts per chunk and their sums.

use campaign::{AudienceId, CampaignId, PushState};
use database::Change;
use database::audience_chunk::{self, AudienceChunk, ChunkHeader};
use database::chunk_tally::{self, ChunkTally, Counts, Reason, Total};

use crate::engine::{World, on_every_engine};
use crate::write::write;

on_every_engine! {
    a_newer_tally_replaces_an_older_one_as_a_whole
    an_older_tally_and_a_repeat_are_stale
    totals_are_sums_over_chunks
    a_campaign_without_tallies_totals_nothing
    first_tallies_of_one_chunk_at_once_end_with_the_newest
    unsettled_chunks_are_listed_by_pages
}

async fn a_newer_tally_replaces_an_older_one_as_a_whole(world: World) {
    let campaign = CampaignId::allocate();
    let first = tally(
        campaign,
        0,
        1,
        pending(3),
        vec![reason("no_device", 1), reason("opted_out", 2)],
    );
    let second = tally(campaign, 0, 2, sent(3), vec![reason("no_device", 3)]);

    let inserted = write!(world.db, |tx| chunk_tally::replace(tx, &first));
    let replaced = write!(world.db, |tx| chunk_tally::replace(tx, &second));

    assert_eq!((inserted, replaced), (Change::Applied, Change::Applied));
    assert_eq!(
        chunk_tally::total(&world.db, campaign).await.unwrap().counts,
        sent(3)
    );
    assert_eq!(
        chunk_tally::reasons(&world.db, campaign).await.unwrap(),
        [reason("no_device", 3)]
    );
}

async fn an_older_tally_and_a_repeat_are_stale(world: World) {
    let campaign = CampaignId::allocate();
    let newest = tally(campaign, 0, 5, sent(3), vec![]);
    let _ = write!(world.db, |tx| chunk_tally::replace(tx, &newest));

    let older = tally(campaign, 0, 4, pending(3), vec![reason("late", 3)]);
    let older = write!(world.db, |tx| chunk_tally::replace(tx, &older));
    let repeat = write!(world.db, |tx| chunk_tally::replace(tx, &newest));

    assert_eq!((older, repeat), (Change::Stale, Change::Stale));
    assert_eq!(
        chunk_tally::total(&world.db, campaign).await.unwrap().counts,
        sent(3)
    );
    assert!(
        chunk_tally::reasons(&world.db, campaign)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn totals_are_sums_over_chunks(world: World) {
    let campaign = CampaignId::allocate();
    for (chunk_no, counts) in [pending(3), sent(4), sent(5)].into_iter().enumerate() {
        let tally = tally(
            campaign,
            chunk_no as u32,
            1,
            counts,
            vec![reason("expired", 2), reason("quota", 1)],
        );
        let _ = write!(world.db, |tx| chunk_tally::replace(tx, &tally));
    }
    let other = tally(
        CampaignId::allocate(),
        0,
        1,
        sent(100),
        vec![reason("expired", 100)],
    );
    let _ = write!(world.db, |tx| chunk_tally::replace(tx, &other));

    let total = chunk_tally::total(&world.db, campaign).await.unwrap();

    assert_eq!((total.chunks, total.expanded), (3, 12));
    assert_eq!((total.counts.pending, total.counts.sent), (3, 9));
    let reasons = chunk_tally::reasons(&world.db, campaign).await.unwrap();
    assert_eq!(reasons, [reason("expired", 6), reason("quota", 3)]);
}

async fn a_campaign_without_tallies_totals_nothing(world: World) {
    let total = chunk_tally::total(&world.db, CampaignId::allocate())
        .await
        .unwrap();

    assert_eq!(total, Total::default());
}

async fn first_tallies_of_one_chunk_at_once_end_with_the_newest(world: World) {
    for _ in 0..5 {
        let campaign = CampaignId::allocate();
        let older = tally(campaign, 0, 1, pending(3), vec![reason("late", 3)]);
        let newer = tally(campaign, 0, 2, sent(3), vec![]);

        let (_, newest) = tokio::join!(replace(&world, &older), replace(&world, &newer));

        assert_eq!(newest, Change::Applied);
        let total = chunk_tally::total(&world.db, campaign).await.unwrap();
        assert_eq!(total.counts, sent(3));
        assert!(
            chunk_tally::reasons(&world.db, campaign)
                .await
                .unwrap()
                .is_empty()
        );
    }
}

async fn unsettled_chunks_are_listed_by_pages(world: World) {
    let (campaign, audience) = (CampaignId::allocate(), AudienceId::allocate());
    for no in 0..6 {
        write!(world.db, |tx| audience_chunk::insert(tx, &chunk(audience, no)));
    }
    for (chunk_no, counts) in [(0, sent(3)), (1, pending(3)), (3, sent(3))] {
        let tally = tally(campaign, chunk_no, 1, counts, vec![]);
        let _ = write!(world.db, |tx| chunk_tally::replace(tx, &tally));
    }

    let first = chunk_tally::list_unsettled(&world.db, campaign, audience, 0, 2)
        .await
        .unwrap();
    let rest = chunk_tally::list_unsettled(&world.db, campaign, audience, first[1] + 1, 10)
        .await
        .unwrap();

    assert_eq!((first, rest), (vec![1, 2], vec![4, 5]));
}

async fn replace(world: &World, tally: &ChunkTally) -> Change {
    write!(world.db, |tx| chunk_tally::replace(tx, tally))
}

fn tally(
    campaign_id: CampaignId,
    chunk_no: u32,
    version: u64,
    counts: Counts,
    reasons: Vec<Reason>,
) -> ChunkTally {
    ChunkTally {
        campaign_id,
        chunk_no,
        version,
        size: (counts.pending + counts.sent) as u32,
        counts,
        reasons,
    }
}

fn pending(pending: u64) -> Counts {
    Counts {
        pending,
        ..Counts::default()
    }
}

fn sent(sent: u64) -> Counts {
    Counts {
        sent,
        ..Counts::default()
    }
}

fn reason(reason: &str, pushes: u64) -> Reason {
    Reason {
        state: PushState::Skipped,
        reason: reason.to_owned(),
        pushes,
    }
}

fn chunk(audience_id: AudienceId, no: u32) -> AudienceChunk {
    AudienceChunk {
        header: ChunkHeader {
            audience_id,
            no,
            size: 3,
            time_zone: String::new(),
            digest: [0; 32],
        },
        recipients: vec![1],
    }
}
