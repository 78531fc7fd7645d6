//! Whose turn it is.

use campaign::{AudienceId, TimerShards};
use chrono::DateTime;

use super::*;
use crate::fan_out::stripe::tests::{stripe_of, tally};
use crate::plan::Plan;

fn target(campaign: CampaignId) -> Arc<Target> {
    Arc::new(Target {
        campaign,
        plan: Plan {
            audience: AudienceId::allocate(),
            schedule: serde_json::from_str(r#"{"at":"now"}"#).unwrap(),
            started_at: DateTime::UNIX_EPOCH,
            timers: TimerShards::for_audience(1),
        },
        chunk_count: 1_000,
        mutations: 500,
    })
}

/// Campaigns with so many chunks each, all in hand.
fn hand_of<const N: usize>(chunks: [u32; N]) -> (Hand, [CampaignId; N]) {
    let mut hand = Hand::default();
    let campaigns = chunks.map(|chunks| {
        let campaign = CampaignId::allocate();
        hand.take_in(target(campaign), stripe_of(campaign, 0, 0..chunks));
        campaign
    });
    (hand, campaigns)
}

fn start(hand: &mut Hand) -> Option<(Key, u32)> {
    let turn = hand.turn()?;
    let no = hand.start(&turn)?;
    Some((turn.stripe, no))
}

/// Whose chunks start, when each is done before the next.
fn one_by_one(hand: &mut Hand, times: usize) -> Vec<CampaignId> {
    let started = (0..times).map_while(|_| {
        let (key, no) = start(hand)?;
        hand.stripe_mut(key)?.expanded(tally(key.0, no));
        Some(key.0)
    });
    started.collect()
}

#[test]
fn campaigns_take_turns_however_many_chunks_they_have() {
    let (mut hand, [large, small, other]) = hand_of([60, 2, 4]);

    let started = one_by_one(&mut hand, 9);

    assert_eq!(
        started,
        [large, small, other, large, small, other, large, other, large]
    );
}

#[test]
fn one_with_nothing_under_way_has_the_next_place() {
    let (mut hand, [large]) = hand_of([60]);
    let busy = (0..8).map(|_| start(&mut hand).unwrap()).collect::<Vec<_>>();
    let newcomer = CampaignId::allocate();
    hand.take_in(target(newcomer), stripe_of(newcomer, 0, 0..3));

    let next = [(); 4].map(|()| start(&mut hand).unwrap().0.0);

    assert!(busy.iter().all(|(key, _)| key.0 == large));
    assert_eq!(next, [newcomer, newcomer, newcomer, large]);
}

#[test]
fn stripes_of_a_campaign_are_done_in_order() {
    let (mut hand, [campaign]) = hand_of([2]);
    hand.take_in(target(campaign), stripe_of(campaign, 1, 64..66));

    let numbers = std::iter::from_fn(|| start(&mut hand)).map(|(_, no)| no);

    assert_eq!(numbers.collect::<Vec<_>>(), [0, 1, 64, 65]);
}

#[test]
fn the_next_stripe_is_leased_when_too_little_is_ready() {
    let (hand, [large, small]) = hand_of([60, 2]);
    let newcomer = CampaignId::allocate();

    assert_eq!(hand.wants([large, small], 60), None, "enough is ready");
    assert_eq!(hand.wants([large, small], 64), Some(small));
    assert_eq!(hand.wants([large], 64), Some(large));
    assert_eq!(hand.wants([large, newcomer], 8), Some(newcomer), "it has nothing");
    assert_eq!(hand.wants([], 64), None);
}

#[test]
fn no_more_campaigns_are_in_hand_than_can_be_kept() {
    let (mut hand, [first]) = hand_of([1]);
    for _ in 1..CAMPAIGNS {
        let campaign = CampaignId::allocate();
        hand.take_in(target(campaign), stripe_of(campaign, 0, 0..1));
    }
    let newcomer = CampaignId::allocate();

    let while_full = hand.wants([first, newcomer], 1_000);
    hand.let_go((first, 0));
    let after = hand.wants([first, newcomer], 1_000);

    assert_eq!(while_full, Some(first));
    assert_eq!(after, Some(first.min(newcomer)));
}

#[test]
fn nothing_of_a_closed_campaign_starts() {
    let (mut hand, [paused, other]) = hand_of([9, 9]);
    start(&mut hand);
    let mutations = hand.mutations();

    hand.close_unless(|campaign| campaign != paused);

    assert_eq!((mutations, hand.mutations()), (17 * 500, 9 * 500));
    assert_eq!(one_by_one(&mut hand, 20), [other; 9]);
    assert_eq!((hand.ready(), hand.under_way()), (0, 1));
}
