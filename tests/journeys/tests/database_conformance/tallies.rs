//! Counts per chunk and their sums.

use campaign::{AudienceId, CampaignId, ChunkState, Reason, Standing, Tally};
use database::audience_chunk::{self, AudienceChunk, ChunkHeader};
use database::chunk_tally::{self, ChunkTally};
use database::{Change, sql};

use crate::engine::{World, on_every_engine};
use crate::write::write;

const PENDING: Standing = Standing::Pending;
const GRANTED: Standing = Standing::Granted;
const SENT: Standing = Standing::Settled(Reason::Accepted);
const NO_DEVICE: Standing = Standing::Settled(Reason::NoDevice);
const OPTED_OUT: Standing = Standing::Settled(Reason::OptedOut);

on_every_engine! {
    a_newer_tally_replaces_an_older_one_as_a_whole
    an_older_tally_and_a_repeat_are_stale
    totals_are_sums_over_chunks
    a_campaign_without_tallies_totals_nothing
    a_reason_of_another_version_is_left_out
    first_tallies_of_one_chunk_at_once_end_with_the_newest
    chunks_that_are_not_known_to_be_closed_are_listed_by_pages
    tallies_are_listed_by_number_with_their_reasons
}

async fn tallies_are_listed_by_number_with_their_reasons(world: World) {
    let campaign = CampaignId::allocate();
    let counts = [
        [(PENDING, 3), (GRANTED, 1), (SENT, 2), (NO_DEVICE, 1)],
        [(PENDING, 0), (GRANTED, 0), (SENT, 5), (OPTED_OUT, 4)],
        [(PENDING, 1), (GRANTED, 0), (SENT, 1), (NO_DEVICE, 1)],
    ];
    for (no, counts) in (3..).zip(&counts) {
        let _ = replace(&world, campaign, no, 7, counts).await;
    }
    let _ = replace(&world, CampaignId::allocate(), 3, 1, &[(SENT, 100)]).await;

    let listed = chunk_tally::list(&world.db, campaign, 0..5).await.unwrap();

    let listed: Vec<_> = listed
        .into_iter()
        .map(|chunk| (chunk.chunk_no, chunk.version, chunk.tally))
        .collect();
    assert_eq!(listed, [(3, 7, tally(&counts[0])), (4, 7, tally(&counts[1]))]);
}

async fn a_newer_tally_replaces_an_older_one_as_a_whole(world: World) {
    let campaign = CampaignId::allocate();
    let first = [(PENDING, 3), (NO_DEVICE, 1), (OPTED_OUT, 2)];
    let second = [(SENT, 3), (NO_DEVICE, 3)];

    let inserted = replace(&world, campaign, 0, 1, &first).await;
    let replaced = replace(&world, campaign, 0, 2, &second).await;

    assert_eq!((inserted, replaced), (Change::Applied, Change::Applied));
    assert_eq!(total(&world, campaign).await, (1, 6, tally(&second)));
}

async fn an_older_tally_and_a_repeat_are_stale(world: World) {
    let campaign = CampaignId::allocate();
    let _ = replace(&world, campaign, 0, 5, &[(SENT, 3)]).await;

    let older = replace(&world, campaign, 0, 4, &[(PENDING, 2), (NO_DEVICE, 1)]).await;
    let repeat = replace(&world, campaign, 0, 5, &[(SENT, 3)]).await;

    assert_eq!((older, repeat), (Change::Stale, Change::Stale));
    assert_eq!(total(&world, campaign).await, (1, 3, tally(&[(SENT, 3)])));
}

async fn totals_are_sums_over_chunks(world: World) {
    let campaign = CampaignId::allocate();
    for (chunk_no, first) in [(PENDING, 3), (GRANTED, 4), (SENT, 5)].into_iter().enumerate() {
        let counts = [first, (SENT, 2), (NO_DEVICE, 1)];
        let _ = replace(&world, campaign, chunk_no as u32, 1, &counts).await;
    }
    let _ = replace(&world, CampaignId::allocate(), 0, 1, &[(SENT, 100)]).await;

    let sums = [(PENDING, 3), (GRANTED, 4), (SENT, 11), (NO_DEVICE, 3)];
    assert_eq!(total(&world, campaign).await, (3, 21, tally(&sums)));
}

async fn a_campaign_without_tallies_totals_nothing(world: World) {
    assert_eq!(total(&world, CampaignId::allocate()).await, (0, 0, tally(&[])));
}

async fn a_reason_of_another_version_is_left_out(world: World) {
    let campaign = CampaignId::allocate();
    let _ = replace(&world, campaign, 0, 1, &[(SENT, 2), (NO_DEVICE, 1)]).await;
    let rename = "UPDATE chunk_reason SET reason = 'abducted' WHERE reason = 'no_device'";
    write!(world.db, |tx| sql(rename).execute(tx));

    assert_eq!(total(&world, campaign).await, (1, 3, tally(&[(SENT, 2)])));
}

async fn first_tallies_of_one_chunk_at_once_end_with_the_newest(world: World) {
    for _ in 0..5 {
        let campaign = CampaignId::allocate();

        let (_, newest) = tokio::join!(
            replace(&world, campaign, 0, 1, &[(PENDING, 2), (NO_DEVICE, 1)]),
            replace(&world, campaign, 0, 2, &[(SENT, 3)])
        );

        assert_eq!(newest, Change::Applied);
        assert_eq!(total(&world, campaign).await, (1, 3, tally(&[(SENT, 3)])));
    }
}

async fn chunks_that_are_not_known_to_be_closed_are_listed_by_pages(world: World) {
    let (campaign, audience) = (CampaignId::allocate(), AudienceId::allocate());
    for no in 0..6 {
        write!(world.db, |tx| audience_chunk::insert(tx, &chunk(audience, no)));
    }
    let settled = tally(&[(SENT, 3)]);
    for (chunk_no, state) in [
        (0, ChunkState::Done),
        (1, ChunkState::Waiting),
        (3, ChunkState::Cancelled),
    ] {
        let tally = ChunkTally::of(campaign, chunk_no, 1, state, &settled);
        let _ = write!(world.db, |tx| chunk_tally::replace(tx, &tally));
    }

    let first = chunk_tally::list_open(&world.db, campaign, audience, 0, 2)
        .await
        .unwrap();
    let rest = chunk_tally::list_open(&world.db, campaign, audience, first[1] + 1, 10)
        .await
        .unwrap();

    assert_eq!((first, rest), (vec![1, 2], vec![4, 5]));
    let total = chunk_tally::total(&world.db, campaign).await.unwrap();
    assert_eq!((total.chunks, total.closed), (3, 2));
}

async fn replace(
    world: &World,
    campaign: CampaignId,
    chunk_no: u32,
    version: u64,
    counts: &[(Standing, u64)],
) -> Change {
    let tally = ChunkTally::of(campaign, chunk_no, version, ChunkState::Leased, &tally(counts));
    write!(world.db, |tx| chunk_tally::replace(tx, &tally))
}

/// Chunks, pushes in them, and how those stand.
async fn total(world: &World, campaign: CampaignId) -> (u64, u64, Tally) {
    let total = chunk_tally::total(&world.db, campaign).await.unwrap();
    (total.chunks, total.expanded, total.tally)
}

fn tally(counts: &[(Standing, u64)]) -> Tally {
    let mut tally = Tally::default();
    for (standing, count) in counts {
        tally.add(*standing, *count);
    }
    tally
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
