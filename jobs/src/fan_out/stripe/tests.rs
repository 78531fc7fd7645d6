//! A mark never passes a chunk that is not expanded, whatever happens in which order.

use std::collections::BTreeSet;
use std::time::Duration;

use campaign::{CampaignId, ChunkState, LeaseToken, Tally};
use database::fan_out_stripe::History;
use proptest::prelude::*;
use runtime::Clock;

use super::*;

const KEEP: Duration = Duration::from_secs(1);

/// A moment to count from.
fn start() -> Moment {
    Clock::system().monotonic()
}

pub(in crate::fan_out) fn stripe_of(campaign: CampaignId, no: u32, chunks: std::ops::Range<u32>) -> Stripe {
    let lease = Lease {
        campaign_id: campaign,
        no,
        token: LeaseToken::allocate(),
        low_water: chunks.start,
        history: History::New,
    };
    Stripe::new(lease, chunks.end, chunks, start())
}

pub(in crate::fan_out) fn tally(campaign: CampaignId, no: u32) -> ChunkTally {
    ChunkTally::of(campaign, no, 1, ChunkState::Waiting, &Tally::default())
}

fn stripe(chunks: std::ops::Range<u32>) -> Stripe {
    stripe_of(CampaignId::allocate(), 0, chunks)
}

#[test]
fn it_is_kept_at_times_and_finished_when_all_is_expanded() {
    let mut stripe = stripe(0..2);
    let (id, begun) = (stripe.lease.campaign_id, stripe.kept_at);
    let (first, second) = (stripe.start().unwrap(), stripe.start().unwrap());

    let early = stripe.due(KEEP, begun);
    let later = stripe.due(KEEP, begun + KEEP);
    stripe.expanded(tally(id, second));
    let kept = (stripe.begin_save(begun + KEEP), stripe.low_water());
    let meanwhile = stripe.due(KEEP, begun + KEEP * 9);
    stripe.end_save();
    stripe.expanded(tally(id, first));
    let done = stripe.due(KEEP, begun + KEEP);

    assert_eq!((early, later), (None, Some(Ending::Keep)));
    assert_eq!(kept, (vec![tally(id, 1)], 0));
    assert_eq!((meanwhile, done), (None, Some(Ending::Finish)));
    assert_eq!(stripe.begin_save(begun), [tally(id, 0)]);
    assert_eq!(stripe.low_water(), 2);
}

#[test]
fn a_closed_one_goes_back_once_nothing_of_it_is_under_way() {
    let mut stripe = stripe(0..3);
    let (id, begun) = (stripe.lease.campaign_id, stripe.kept_at);
    let first = stripe.start().unwrap();

    stripe.close();
    let while_under_way = stripe.due(KEEP, begun);
    stripe.expanded(tally(id, first));
    let after = stripe.due(KEEP, begun);

    assert_eq!((stripe.ready(), stripe.start()), (0, None));
    assert_eq!((while_under_way, after), (None, Some(Ending::GiveBack)));
    assert_eq!(stripe.low_water(), 1);
}

#[test]
fn a_chunk_that_does_not_come_through_is_next_again_a_few_times() {
    let mut stripe = stripe(0..2);

    let tries = (0..TRIES).map(|_| {
        let no = stripe.start().unwrap();
        (no, stripe.put_back(no))
    });
    let tries = tries.collect::<Vec<_>>();

    assert_eq!(&tries[..4], [(0, Again::Yes); 4]);
    assert_eq!(tries[4], (0, Again::No));
}

proptest! {
    #[test]
    fn the_mark_never_passes_a_chunk_that_is_not_expanded(
        from in 0_u32..100, count in 0_u32..64,
        events in proptest::collection::vec((0_u8..4, any::<proptest::sample::Index>()), 0..300),
    ) {
        let mut stripe = stripe(from..from + count);
        let id = stripe.lease.campaign_id;
        let (mut under_way, mut expanded) = (Vec::new(), BTreeSet::new());

        for (event, which) in events {
            match event {
                0 | 1 => under_way.extend(stripe.start()),
                2 if !under_way.is_empty() => {
                    let no = under_way.swap_remove(which.index(under_way.len()));
                    stripe.expanded(tally(id, no));
                    expanded.insert(no);
                }
                3 if !under_way.is_empty() => {
                    let no = under_way.swap_remove(which.index(under_way.len()));
                    stripe.put_back(no);
                }
                _ => {}
            }

            let first_open = (from..from + count).find(|no| !expanded.contains(no));
            prop_assert_eq!(stripe.low_water(), first_open.unwrap_or(from + count));
            prop_assert_eq!(stripe.under_way(), under_way.len());
        }
    }
}
